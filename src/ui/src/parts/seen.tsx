/* What a case saw, in words. */
import { duration, ms, number, rounded, whenText } from "../format";
import { t, type Word } from "../i18n";
import { nowMs } from "../live";
import { href } from "../router";
import type { Case, Signal } from "../types";
import { cases } from "../words/cases";
import { states } from "../words/states";

export const kindWord = (kind: string): string => {
	const w: Record<string, Word> = { level_shift: cases.levelShift, stop: cases.stop, late_data: cases.lateData, missing_data: cases.missingData };
	return t(w[kind] ?? cases.otherKind);
};
export function stopKindWord(kind: string | undefined): string {
	const w: Record<string, Word> = { breakdown: states.breakdown, waiting: states.stop_waiting, planned: states.stop_planned, changeover: states.changeover, micro_stop: states.micro_stop };
	return kind && w[kind] ? t(w[kind]) : t(cases.stop);
}
export function caseTitle(c: Case, signals?: Map<string, Signal>): string {
	const e = c.evidence ?? {};
	const asset = c.asset_name || c.asset;
	switch (c.kind) {
		case "level_shift":
			return t(c.end ? cases.titleLevelOver : cases.titleLevel, { asset, signal: signals?.get(e.series ?? "")?.label || e.signal });
		case "stop":
			return t(c.end ? cases.titleStop : cases.titleStopNow, { asset });
		case "late_data":
			return t(cases.titleLate, { asset });
		case "missing_data":
			return t(c.end ? cases.titleMissingOver : cases.titleMissing, { asset });
		default:
			return t(cases.titleOther, { asset });
	}
}
/* Both levels with the decimals that tell them apart. */
export function levels(before: number | undefined, after: number | undefined): { before: string; after: string } {
	if (before === undefined || after === undefined) return { before: number(before), after: number(after) };
	const big = Math.max(Math.abs(before), Math.abs(after)), gap = Math.abs(after - before);
	const digits = big >= 1000 && gap >= 10 ? 0 : gap >= 1 ? (big >= 100 ? 1 : 2) : Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(gap || 1))));
	const f = (v: number) => v.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
	return { before: f(before), after: f(after) };
}
export function caseSeen(c: Case): string {
	const e = c.evidence ?? {};
	const now = nowMs();
	switch (c.kind) {
		case "level_shift": {
			const l = levels(e.before, e.after);
			return t(e.strength ? cases.seenLevel : cases.seenLevelPlain, { ...l, unit: e.unit ? ` ${e.unit}` : "", strength: e.strength === undefined ? "" : rounded(Math.abs(e.strength), 1) });
		}
		case "stop":
			return e.alarm ? t(cases.seenStopAlarm, { kind: stopKindWord(e.kind), n: e.alarm }) : t(cases.seenStop, { kind: stopKindWord(e.kind).toLowerCase() });
		case "late_data":
			return t(cases.seenLate, { from: e.from ? whenText(e.from, now) : "", to: e.to ? whenText(e.to, e.from ? ms(e.from) : now) : "", n: number(e.late ?? 0), arrived: e.arrived_to ? whenText(e.arrived_to, e.to ? ms(e.to) : now) : "" });
		case "missing_data":
			return t(c.end ? cases.seenMissingOver : cases.seenMissing, { from: e.from ? whenText(e.from, now) : "", to: e.to ? whenText(e.to, e.from ? ms(e.from) : now) : "" });
		default:
			return Object.entries(e).map(([k, v]) => `${k} ${String(v)}`).join(" · ");
	}
}
export function caseWhen(c: Case): string {
	const now = nowMs();
	const begin = whenText(c.begin, now);
	return c.end ? `${begin} ~ ${whenText(c.end, ms(c.begin))} · ${duration(ms(c.end) - ms(c.begin))}` : `${begin} · ${duration(now - ms(c.begin))}`;
}
export const caseHref = (c: Case): string => href("cases", c.id);
/* The chart that shows it: the signal (or the machine) around the begin. */
export function caseChart(c: Case): string {
	const b = ms(c.begin), e = c.end ? ms(c.end) : nowMs();
	const pad = Math.max(3_600_000, (e - b) * 0.5);
	const q = new URLSearchParams();
	if (c.evidence?.series) q.set("s", c.evidence.series);
	q.set("from", new Date(b - pad).toISOString());
	q.set("to", new Date(Math.min(nowMs(), e + pad)).toISOString());
	return `${href("assets", c.asset)}?${q}`;
}

