/* Machines and the other assets: list with state and since when. */
import { useMemo, useState } from "preact/hooks";
import { useGet } from "../api";
import { duration, ms, percent, whenText } from "../format";
import { t } from "../i18n";
import { useNow } from "../live";
import { Empty, Lead, machineLook, Problem, State, stateWord, Waiting } from "../parts/basic";
import { Band } from "../parts/bands";
import { go, href, setQuery, useRoute } from "../router";
import type { Asset, List } from "../types";
import { assets } from "../words/assets";
import { frame } from "../words/frame";
import { today } from "../words/today";
import { tellsState } from "./sentence";
import { useToday } from "./today";

const groups = { machines: ["machine", "line", "site", "company"], items: ["item"], others: ["mould", "gauge", "other"] } as const;
type Group = keyof typeof groups;

export function AssetsPage() {
	const got = useGet<List<Asset>>("/api/v1/assets?limit=1000", { nouns: ["asset"] });
	const day = useToday();
	const now = useNow();
	const { query } = useRoute();
	const [filter, setFilter] = useState("");
	const list = got.data?.items ?? [];
	const count = (g: Group): number => list.filter((a) => (groups[g] as readonly string[]).includes(a.kind)).length;
	const present = (Object.keys(groups) as Group[]).filter((g) => count(g) > 0);
	const asked = query.get("kind") as Group | null;
	const group: Group = asked && present.includes(asked) ? asked : (present[0] ?? "machines");
	const machines = useMemo(() => new Map((day.data?.machines ?? []).map((m) => [m.asset, m])), [day.data]);
	if (!got.data) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	if (!list.length)
		return (
			<Empty
				title={t(assets.leadNone)}
				acts={
					<>
						<a class="btn go" href="/imports">{t(today.emptyImport)}</a>
						<a class="btn" href="/settings/devices">{t(today.emptyDevice)}</a>
					</>
				}
			>
				{t(assets.leadNoneMore)}
			</Empty>
		);
	const all = [...machines.values()].filter(tellsState);
	const stopped = all.filter((m) => m.state === "stopped"), stale = all.filter((m) => m.stale);
	const title = stopped.length === 1 ? t(assets.leadStoppedOne, { name: stopped[0]!.name }) : stopped.length ? t(assets.leadStopped, { n: stopped.length }) : stale.length ? t(assets.leadStale, { n: stale.length }) : all.length ? t(assets.leadFine, { n: all.length }) : t(assets.leadOther, { n: list.length });
	const text = filter.trim().toLowerCase();
	const shown = list.filter((a) => (groups[group] as readonly string[]).includes(a.kind) && (!text || `${a.code} ${a.name ?? ""}`.toLowerCase().includes(text)));
	/* Machines that tell their state come first; files and meters follow. */
	const tells = (a: Asset): number => (machines.has(a.code) && tellsState(machines.get(a.code)!) ? 0 : 1);
	shown.sort((a, b) => tells(a) - tells(b));
	const from = day.data ? ms(day.data.from) : now, to = Math.max(now, from + 1);
	return (
		<>
			<Lead page={t(frame.assets)} title={title}>{t(assets.leadMore)}</Lead>
			<div class="toolbar">
				<input class="grow" type="search" value={filter} placeholder={t(assets.filter)} aria-label={t(assets.filter)} onInput={(e) => setFilter(e.currentTarget.value)} />
				{present.length > 1 && (
					<span class="tabs" role="group" aria-label={t(assets.kinds)}>
						{present.map((g) => (
							<button key={g} aria-pressed={g === group} onClick={() => setQuery({ kind: g })}>{t(assets[g])} {count(g)}</button>
						))}
					</span>
				)}
			</div>
			<section class="sheet">
				<table class="cards-phone">
					<thead>
						<tr>
							<th>{t(assets.name)}</th>
							<th>{t(assets.code)}</th>
							{group === "machines" ? (
								<>
									<th>{t(assets.state)}</th>
									<th>{t(assets.since)}</th>
									<th style={{ width: "34%" }}>{t(assets.day)}</th>
									<th class="num">{t(assets.share)}</th>
								</>
							) : (
								<>
									<th>{t(assets.kind)}</th>
									<th>{t(assets.unit)}</th>
								</>
							)}
						</tr>
					</thead>
					<tbody>
						{shown.map((a) => {
							const m = machines.get(a.code);
							const to_ = href("assets", a.code);
							return (
								<tr key={a.code} class="go-row" onClick={(e) => !(e.target as Element).closest("a") && go(to_)}>
									<td><a href={to_} class={m?.state === "stopped" ? "strong" : ""}>{a.name || a.code}</a></td>
									<td class="dim off-phone">{a.code}</td>
									{group === "machines" ? (
										<>
											<td>{m && tellsState(m) && <State look={m.stale ? "none" : machineLook[m.state ?? "no_data"]!}>{stateWord(m.stale ? "stale" : (m.state ?? "no_data"))}</State>}</td>
											<td class="off-phone"><small>{m?.since ? `${whenText(m.since, now)} · ${duration(now - ms(m.since))}` : ""}</small></td>
											<td class="wide">{m && m.states.length > 0 && <Band items={m.states} from={from} to={to} label={a.name || a.code} />}</td>
											<td class="num off-phone live">{m && tellsState(m) ? percent(m.running_share) : ""}</td>
										</>
									) : (
										<>
											<td>{stateWord(a.kind)}</td>
											<td>{a.unit ?? ""}</td>
										</>
									)}
								</tr>
							);
						})}
					</tbody>
				</table>
				{!shown.length && <p class="small">{t(assets.nothing)}</p>}
			</section>
		</>
	);
}
