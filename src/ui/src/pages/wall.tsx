/* The wall: readable from five metres, no controls, never scrolls. */
import { useEffect, useState } from "preact/hooks";
import { clockText, duration, ms, percent } from "../format";
import { t } from "../i18n";
import { useLink, useNow } from "../live";
import { stateWord } from "../parts/basic";
import type { NodeInfo } from "../types";
import { frame } from "../words/frame";
import { states } from "../words/states";
import { today } from "../words/today";
import { stoppedNow, tellsState } from "./sentence";
import { useToday } from "./today";

const PER_PAGE = 12;
const TURN_MS = 12_000;

export function WallPage({ node }: { node: NodeInfo }) {
	const got = useToday();
	const now = useNow();
	const link = useLink();
	const [turn, setTurn] = useState(0);
	const d = got.data;
	const all = (d?.machines ?? []).filter(tellsState);
	const pages = Math.max(1, Math.ceil(all.length / PER_PAGE));
	useEffect(() => {
		document.title = `${node.name} · ${t(frame.product)}`;
		const id = setInterval(() => setTurn((n) => n + 1), TURN_MS);
		/* A wall should not sleep; where the browser has no such lock, the PC's own settings hold. */
		const lock = () => void (navigator as { wakeLock?: { request: (k: string) => Promise<unknown> } }).wakeLock?.request("screen").catch(() => undefined);
		lock();
		document.addEventListener("visibilitychange", lock);
		const esc = (e: KeyboardEvent) => e.key === "Escape" && location.assign("/");
		addEventListener("keydown", esc);
		return () => {
			clearInterval(id);
			removeEventListener("keydown", esc);
			document.removeEventListener("visibilitychange", lock);
		};
	}, []);
	const stopped = stoppedNow(all, now);
	const at = turn % pages;
	const per = Math.ceil(all.length / pages) || 1;
	const shown = all.slice(at * per, at * per + per);
	const cols = shown.length <= 2 ? Math.max(1, shown.length) : shown.length <= 6 ? 3 : 4;
	const rows = Math.max(1, Math.ceil(shown.length / cols));
	const running = all.filter((m) => m.state === "running").length;
	const shares = all.map((m) => m.running_share).filter((x): x is number => x !== null);
	const lost = link.lost !== null;
	const head = lost
		? t(today.wallLost, { t: clockText(link.lost!) })
		: stopped.length > 1
			? t(today.wallStoppedMore, { name: stopped[0]!.name, n: stopped.length - 1 })
			: stopped[0]
				? t(today.wallStopped, { name: stopped[0].name, d: duration(now - ms(stopped[0].since!)) })
				: t(today.wallOk);
	return (
		<main class={`wall${lost ? " lost" : ""}`} id="main">
			<header>
				<a href="/" title={t(today.wallBack)}>{node.name}</a>
				<b>
					{head}
					{pages > 1 && <span class="dots" aria-hidden="true">{Array.from({ length: pages }, (_, i) => <i key={i} class={i === at ? "on" : ""} />)}</span>}
				</b>
				<time>{clockText(now)}</time>
			</header>
			{all.length ? (
				<div class="grid" style={{ gridTemplateColumns: `repeat(${cols}, minmax(0, 1fr))`, gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))`, "--fig": `${Math.min(13, 24 / rows)}vh` }}>
					{shown.map((m) => {
						const state = m.stale ? "no_data" : (m.state ?? "no_data");
						const d1 = m.since ? duration(now - ms(m.since)) : "";
						return (
							<section key={m.asset} class={`machine ${state}`}>
								<h2>{m.name}</h2>
								<b>{state === "stopped" ? d1 : state === "no_data" || state === "planned" ? percent(null) : percent(m.running_share)}</b>
								<p>{state === "stopped" ? `${stateWord(state)} · ${m.alarm ? t(states.alarm, { n: m.alarm }) : t(today.wallReason)}` : `${m.stale ? stateWord("stale") : stateWord(state)}${state === "running" ? "" : ` ${d1}`}`}</p>
							</section>
						);
					})}
				</div>
			) : (
				<div class="empty">{got.data ? t(today.emptyTitle) : ""}</div>
			)}
			<footer>
				<span><b>{running} / {all.length}</b><small>{t(today.running)}</small></span>
				<span><b>{percent(shares.length ? shares.reduce((a, b) => a + b, 0) / shares.length : null)}</b><small>{t(today.wallShare)}</small></span>
				<span><b>{d ? (d.cases_open ?? d.cases.length) : percent(null)}</b><small>{t(today.wallOpen)}</small></span>
			</footer>
		</main>
	);
}
