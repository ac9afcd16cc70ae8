/* What a chart is drawn from: the node's bins as lines with gaps, and the range of the axes. */
import type { Chart, Signal } from "../types";

export type Range = { from: number; to: number };
export const MIN_SPAN = 20; /* ms, or rows */

/* Row numbers are kept as nanoseconds since 1970. */
const rowTime = (x: number): string => {
	const s = Math.floor(x / 1e9), n = Math.round(x - s * 1e9);
	return `${new Date(s * 1000).toISOString().slice(0, 19)}.${String(n).padStart(9, "0")}Z`;
};
export const rangeQuery = (r: Range, rows: boolean): { from: string; to: string } => (rows ? { from: rowTime(Math.max(0, r.from)), to: rowTime(Math.max(1, r.to)) } : { from: new Date(Math.round(r.from)).toISOString(), to: new Date(Math.round(r.to)).toISOString() });

export type Points = { x: number[]; mean: (number | null)[]; min: (number | null)[]; max: (number | null)[]; n: number[]; bad: number[]; envelope: boolean; low: number; high: number };

/* A gap is a gap: where much more time passed than usual between two values, the line is broken. */
export function points(c: Chart, r: Range, rows: boolean): Points {
	const p: Points = { x: [], mean: [], min: [], max: [], n: [], bad: [], envelope: false, low: Infinity, high: -Infinity };
	const k = rows ? 1e6 : 1;
	const d: number[] = [];
	for (let i = 1; i < c.t_ms.length; i++) d.push((c.t_ms[i]! - c.t_ms[i - 1]!) * k);
	const usual = d.length ? [...d].sort((a, b) => a - b)[Math.floor(d.length / 2)]! : 0;
	const bin = (r.to - r.from) / Math.max(1, c.width);
	const gap = Math.max(usual * 5, bin * 2.6);
	for (let i = 0; i < c.t_ms.length; i++) {
		const x = c.t_ms[i]! * k;
		if (i && d[i - 1]! > gap) {
			p.x.push((x + p.x[p.x.length - 1]!) / 2);
			p.mean.push(null);
			p.min.push(null);
			p.max.push(null);
			p.n.push(0);
			p.bad.push(0);
		}
		p.x.push(x);
		p.mean.push(c.mean[i] ?? null);
		p.min.push(c.min[i] ?? null);
		p.max.push(c.max[i] ?? null);
		p.n.push(c.n[i] ?? 0);
		p.bad.push(c.bad[i] ?? 0);
		const lo = c.min[i], hi = c.max[i];
		if (lo !== null && lo !== undefined && lo < p.low) p.low = lo;
		if (hi !== null && hi !== undefined && hi > p.high) p.high = hi;
		if (lo !== hi) p.envelope = true;
	}
	return p;
}

/* Begins at zero where the values reach down towards it; near the data otherwise. */
export function yRange(low: number, high: number): [number, number] {
	if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
	if (low === high) {
		const d = Math.abs(low) * 0.05 || 1;
		return low >= 0 && low - d < 0 ? [0, high + d] : [low - d, high + d];
	}
	const pad = (high - low) * 0.09;
	if (low >= 0 && low < high * 0.45) return [0, high + pad];
	if (high <= 0 && high > low * 0.45) return [low - pad, 0];
	return [low - pad, high + pad];
}

/* Files without times: their rows are numbered from 1 ns after 1970. */
const ROWS_END_MS = 86_400_000;
export const isRows = (s: Signal): boolean => !!s.last_t && Date.parse(s.last_t) < ROWS_END_MS;
const nanos = (time: string): number => {
	const m = /\.(\d+)/.exec(time);
	return Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1000) * 1e9 + Number((m?.[1] ?? "0").padEnd(9, "0").slice(0, 9));
};
/* From the first to the last value: milliseconds, or rows. */
export function extentOf(s: Signal): { first: number; last: number } | null {
	if (!s.first || !s.last_t) return null;
	return isRows(s) ? { first: nanos(s.first), last: nanos(s.last_t) } : { first: Date.parse(s.first), last: Date.parse(s.last_t) };
}
