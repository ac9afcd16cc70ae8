/* The range of time a page shows: in the address, or following now. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { clockMode, nowMs } from "../live";
import { setQuery, useRoute } from "../router";
import type { Range } from "./series";

const H = 3_600_000;
export const spans = { h1: H, h8: 8 * H, d1: 24 * H, w1: 7 * 24 * H, y1: 365.25 * 24 * H } as const;
export type Span = keyof typeof spans | "all";
const isSpan = (s: string | null): s is Span => s !== null && (s in spans || s === "all");

export type Shown = { range: Range; follow: boolean; span: Span | null; set: (r: Range, how: "zoom" | "move") => void; back: () => void; pick: (s: Span) => void };

/* extent: of what is shown, null while unknown. rows: x is the row number. */
export function useRange(extent: { first: number; last: number } | null, rows: boolean): Shown {
	const { query } = useRoute();
	const from = query.get("from"), to = query.get("to"), asked = query.get("span");
	const parse = (s: string | null): number => (s === null ? NaN : rows ? Number(s) : Date.parse(s));
	const a = parse(from), b = parse(to);
	const fixed = !Number.isNaN(a) && !Number.isNaN(b) && b > a;
	const old = extent !== null && nowMs() - extent.last > 24 * H;
	/* What began within the hour is shown whole. */
	const young = extent !== null && nowMs() - extent.first < 1.1 * H;
	const span: Span | null = fixed ? null : isSpan(asked) && !rows ? asked : rows || old || young ? "all" : "h8";
	const follow = !fixed && !rows && !old;
	const [tick, setTick] = useState(0);
	const length = span === null ? 0 : span !== "all" ? spans[span] : extent ? Math.max(60_000, nowMs() - extent.first) : 0;
	useEffect(() => {
		if (!follow) return;
		const c = clockMode();
		const every = Math.min(10_000, Math.max(1000, length / 800 / (c?.mode === "scaled" ? c.scale : 1)));
		const id = setInterval(() => document.visibilityState === "visible" && setTick((n) => n + 1), every);
		return () => clearInterval(id);
	}, [follow, span === "all" ? 0 : length]);
	const range = useMemo<Range>(() => {
		if (fixed) return { from: a, to: b };
		const e = extent ?? { first: nowMs() - 8 * H, last: nowMs() };
		if (span === "all") {
			/* The end itself belongs to it. */
			const to = follow ? Math.max(e.last, nowMs()) : e.last + 1;
			return { from: Math.min(e.first, to - 60_000 * (rows ? 0 : 1)), to: Math.max(to, e.first + 1) };
		}
		const end = old && !follow ? e.last + length * 0.01 : nowMs();
		return { from: end - length, to: end };
	}, [fixed, a, b, extent?.first, span === "all" || old ? extent?.last : 0, span, follow, span === "all" ? 0 : length, tick]);
	const stack = useRef<(Range | null)[]>([]);
	const show = (r: Range): string[] => (rows ? [String(Math.max(0, Math.round(r.from))), String(Math.round(r.to))] : [new Date(Math.round(r.from)).toISOString(), new Date(Math.round(r.to)).toISOString()]);
	return {
		range,
		follow,
		span,
		set: (r, how) => {
			if (how === "zoom") stack.current.push(fixed ? range : null);
			const [f, e] = show(r);
			setQuery({ from: f!, to: e!, span: null }, how === "move");
		},
		back: () => {
			const r = stack.current.pop() ?? null;
			const [f, e] = r ? show(r) : [null, null];
			setQuery({ from: f ?? null, to: e ?? null });
		},
		pick: (s) => {
			stack.current = [];
			setQuery({ span: s, from: null, to: null }, false);
		},
	};
}
