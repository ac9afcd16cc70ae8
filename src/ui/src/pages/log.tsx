/* Settings > Log: what the node has said since its start, newest first, older pages on demand. */
import { useEffect, useState } from "preact/hooks";
import { get, query, useGet } from "../api";
import { timeText } from "../format";
import { said, t } from "../i18n";
import { useNow } from "../live";
import { Lead, Problem, State, Waiting, type Look } from "../parts/basic";
import { setQuery, useRoute } from "../router";
import type { List, LogLine } from "../types";
import { frame } from "../words/frame";
import { log } from "../words/log";

const EVERY_MS = 3000, LINES = 100;
const looks: Record<LogLine["level"], Look> = { info: "plan", warn: "wait", error: "stop" };
const path = (level: string | null, cursor?: string): string => `/api/v1/log${query({ limit: LINES, level, cursor })}`;

export function LogPage() {
	const { query: asked } = useRoute();
	const level = asked.get("level");
	const got = useGet<List<LogLine>>(path(level), { every: EVERY_MS });
	const now = useNow();
	const [older, setOlder] = useState<LogLine[]>([]);
	const [next, setNext] = useState<string | null | undefined>(undefined);
	useEffect(() => {
		setOlder([]);
		setNext(undefined);
	}, [level]);
	if (!got.data) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	/* The newest page moves on while older ones were asked for: each line once. */
	const list = [...new Map([...got.data.items, ...older].map((l) => [l.number, l])).values()].sort((a, b) => b.number - a.number);
	const errors = list.filter((l) => l.level === "error").length;
	const more = next === undefined ? got.data.next : next;
	const ask = () =>
		get<List<LogLine>>(path(level, more ?? undefined)).then(
			(p) => {
				/* Lines that the newest page holds now and will lose later stay. */
				setOlder((o) => [...o, ...got.data!.items, ...p.items]);
				setNext(p.next);
			},
			got.again,
		);
	return (
		<>
			<Lead page={t(log.title)} crumb={<a href="/settings">{t(log.crumb)}</a>} title={errors ? t(log.errors, { n: errors }) : t(log.allFine)}>
				{t(log.lead)}
			</Lead>
			<div class="toolbar">
				<span class="tabs" role="group" aria-label={t(log.filter)}>
					<button aria-pressed={level === null} onClick={() => setQuery({ level: null })}>{t(frame.all)}</button>
					<button aria-pressed={level === "warn"} onClick={() => setQuery({ level: "warn" })}>{t(log.warnMore)}</button>
					<button aria-pressed={level === "error"} onClick={() => setQuery({ level: "error" })}>{t(log.errorOnly)}</button>
				</span>
			</div>
			<section class="sheet">
				{list.length ? (
					<table class="cards-phone log">
						<thead>
							<tr>
								<th>{t(log.filter)}</th>
								<th>{t(log.time)}</th>
								<th>{t(log.what)}</th>
							</tr>
						</thead>
						<tbody>
							{list.map((l) => (
								<tr key={l.number}>
									<td><State look={looks[l.level]}>{t(log[l.level])}</State></td>
									<td><small>{timeText(l.t, now, true)}</small></td>
									<td class="wide" style={{ overflowWrap: "anywhere" }}>{said(l.detail)} <span class="tag off-phone">{l.code}</span></td>
								</tr>
							))}
						</tbody>
					</table>
				) : (
					<p class="small">{t(log.none)}</p>
				)}
				{more && <p class="acts" style={{ paddingTop: "10px" }}><button class="btn tight" onClick={ask}>{t(log.older)}</button></p>}
			</section>
		</>
	);
}
