/* The one sentence of Today: what matters most, since when. */
import { clockText, duration, ms, percent, timeText, whenText } from "../format";
import { t } from "../i18n";
import { caseTitle } from "../parts/seen";
import { stateWord } from "../parts/basic";
import { machineStates } from "../parts/bands";
import type { Machine, NodeInfo, Signal, Today } from "../types";
import { today } from "../words/today";

const STOP_MIN_MS = 120_000; /* shorter ones are micro-stops: nobody walks there */

/* A meter or an imported file is an asset like a machine, but it tells no state: it is neither running nor missing. */
export const tellsState = (m: Machine): boolean => m.stale || m.since !== null || m.states.length > 0 || (m.state !== null && m.state !== "no_data");
export const stoppedNow = (m: readonly Machine[], now: number): Machine[] =>
	m.filter((x) => x.state === "stopped" && x.since && now - ms(x.since) >= STOP_MIN_MS).sort((a, b) => ms(a.since!) - ms(b.since!));
export const silentNow = (m: readonly Machine[]): Machine[] => m.filter((x) => x.stale || (x.state === "no_data" && x.states.some((s) => s.state !== "no_data")));

export function progress(h: NonNullable<NodeInfo["history"]>, now: number): number {
	const a = ms(h.from), b = ms(h.to);
	return b > a ? Math.min(1, Math.max(0, (now - a) / (b - a))) : 0;
}

/* A state's word within a sentence. */
const inText = (s: string): string => s.toLowerCase();
function counts(list: readonly Machine[]): string {
	return machineStates
		.map((s) => [s, list.filter((m) => (m.state ?? "no_data") === s).length] as const)
		.filter(([, n]) => n > 0)
		.map(([s, n]) => t(today.countState, { state: inText(stateWord(s)), n }))
		.join(" · ");
}

export function sentence(d: Today, history: NodeInfo["history"], now: number, signals?: Map<string, Signal>): { title: string; more: string } {
	const open = d.cases_open ?? d.cases.length;
	const tail = open ? t(today.casesOpen, { n: open >= 10 && d.cases_open === undefined ? "10+" : open }) : t(today.casesNone);
	if (history) return { title: t(today.loading, { p: percent(progress(history, now)) }), more: t(today.loadingMore, { from: timeText(history.from), to: timeText(history.to), now: timeText(now) }) };
	const m = d.machines.filter(tellsState);
	const stopped = stoppedNow(m, now), silent = silentNow(m);
	const rest = (without: readonly Machine[]): string => {
		const left = m.filter((x) => !without.includes(x));
		return left.length ? `${t(today.restAll, { n: left.length, list: counts(left) })} ${tail}` : tail;
	};
	if (stopped[0]) {
		const first = stopped[0], d1 = duration(now - ms(first.since!));
		if (stopped.length > 1) return { title: t(today.stoppedMore, { name: first.name, n: stopped.length, d: d1 }), more: rest(stopped) };
		return { title: t(today.stopped, { name: first.name, d: d1, why: first.alarm ? t(today.whyAlarm, { n: first.alarm }) : t(today.whyUnknown) }), more: rest(stopped) };
	}
	if (silent[0]) {
		const s = silent[0];
		const since = s.state === "no_data" && s.since ? ms(s.since) : null;
		return { title: since ? t(today.silent, { name: s.name, d: duration(now - since) }) : t(today.silentSome, { name: s.name }), more: rest(silent) };
	}
	const all = `${t(today.nowAll, { list: counts(m) })} ${tail}`;
	/* What goes on comes before what is over. */
	const c = d.cases.find((x) => !x.end) ?? d.cases[0];
	if (c) {
		const at = whenText(c.begin, now), signal = signals?.get(c.evidence?.series ?? "")?.label || c.evidence?.signal;
		if (c.kind === "level_shift" && c.end) return { title: t(today.shiftedOver, { asset: c.asset_name, signal, t: at, e: whenText(c.end, ms(c.begin)) }), more: all };
		if (c.kind === "level_shift") return { title: t(today.shifted, { asset: c.asset_name, signal, t: at }), more: all };
		if (c.kind === "late_data") return { title: t(today.late, { asset: c.asset_name, t: at }), more: all };
		if (c.kind === "stop" && c.end) return { title: t(today.stopCase, { asset: c.asset_name, t: clockText(c.begin) }), more: all };
		return { title: caseTitle(c, signals), more: all };
	}
	return { title: m.length === 1 ? t(today.oneRunning) : t(today.allRunning, { n: m.length }), more: all };
}
