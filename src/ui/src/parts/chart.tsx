/* One signal over time: mean line, min-max envelope behind it, state bands, marks. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { get, query, type ApiError } from "../api";
import { number, reading, timeText, whenText } from "../format";
import { lang, t } from "../i18n";
import { nowMs, useValue } from "../live";
import { colour, useTheme } from "../theme";
import type { Chart, Interval, Signal } from "../types";
import { chart } from "../words/chart";
import { Problem } from "./basic";
import { MIN_SPAN, points, rangeQuery, yRange, type Points, type Range } from "./series";
import { timeTicks } from "./ticks";

export type Mark = { t: number; text: string; look: "wait" | "stop" };
type Props = {
	signal: Signal;
	range: Range;
	follow: boolean;
	rows: boolean; /* a file without times: x is the row number */
	dot: string; /* CSS variable */
	height: number;
	states: readonly Interval[];
	marks: readonly Mark[];
	extent: { first: number; last: number } | null;
	onRange: (r: Range, how: "zoom" | "move") => void;
	onBack: () => void;
};

const WIDTH_MAX = 2000;
const EDGE = 6; /* right of the plot */

const shade: Record<string, string> = { stopped: "--stop-soft", waiting: "--wait-soft", planned: "--plan-soft" };

export function ChartView(props: Props) {
	const { signal, range, rows, height, dot } = props;
	const { dark } = useTheme();
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	const now = useRef(props);
	now.current = props;
	const [width, setWidth] = useState(0);
	const [got, setGot] = useState<{ points: Points; range: Range } | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const [at, setAt] = useState<number | null>(null);
	const data = useRef<Points | null>(null);
	const language = lang();

	useEffect(() => {
		const o = new ResizeObserver((e) => setWidth(Math.floor(e[0]!.contentRect.width)));
		o.observe(box.current!);
		return () => o.disconnect();
	}, []);

	useEffect(() => {
		if (!width) return;
		const c = new AbortController();
		const px = Math.min(WIDTH_MAX, Math.max(80, Math.round((width - 62) * Math.min(devicePixelRatio || 1, 2))));
		const id = setTimeout(() => {
			get<Chart>(`/api/v1/series/${signal.id}/chart${query({ ...rangeQuery(range, rows), width: px })}`, c.signal).then(
				(r) => {
					setError(null);
					setGot({ points: points(r, range, rows), range });
				},
				(e: ApiError) => !c.signal.aborted && setError(e),
			);
		}, 20);
		return () => {
			clearTimeout(id);
			c.abort();
		};
	}, [signal.id, range.from, range.to, rows, width]);

	/* The drawing itself is made anew only for another look; data and range are given to it. */
	useEffect(() => {
		if (!width) return;
		const line = colour(dot), ink = colour("--ink-3"), grid = colour("--line-2"), font = `12px ${colour("--font")}`;
		const fill = `${line}2b`;
		const stepped = signal.type === "boolean" || (signal.type === "integer" && signal.kind === "clock");
		const paths = stepped ? uPlot.paths.stepped!({ align: 1 }) : uPlot.paths.linear!();
		const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false }, paths };
		const opts: uPlot.Options = {
			width,
			height,
			padding: [8, EDGE, 0, 0],
			legend: { show: false },
			scales: { x: { time: false, range: () => [now.current.range.from, now.current.range.to] }, y: { range: (_u, lo, hi) => (lo === null || hi === null ? [0, 1] : yRange(lo, hi)) } },
			series: [{}, { stroke: line, width: 1.6, points: { size: 4, fill: line, stroke: line, show: (u, _i, from, to) => (to - from) * 9 < u.bbox.width / devicePixelRatio }, paths }, edge, edge],
			bands: [{ series: [3, 2], fill }],
			axes: [
				{
					stroke: ink,
					font,
					grid: { stroke: grid, width: 1 },
					ticks: { stroke: grid, size: 4 },
					size: 28,
					gap: 4,
					...(rows
						? { values: (u: uPlot, s: number[]) => whole(u, now.current.range, s, s.map((v) => number(v, true))) }
						: { splits: (u: uPlot, _i: number, min: number, max: number) => timeTicks(min, max, u.bbox.width / devicePixelRatio, width < 500).at, values: (u: uPlot) => tickTexts(u, now.current.range, width < 500) }),
				},
				{ stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false }, size: 56, gap: 6, space: 34, ...(signal.type === "boolean" ? { splits: () => [0, 1], values: (_u: uPlot, s: number[]) => s.map((v) => reading(v === 1, "boolean")) } : { values: (_u: uPlot, s: number[]) => s.map((v) => axisNumber(v, s)) }) },
			],
			cursor: {
				sync: { key: "moru", scales: ["x", null], setSeries: false },
				drag: { x: true, y: false, setScale: false },
				points: { size: 7, fill: line },
				bind: {
					dblclick: () => () => {
						now.current.onBack();
						return null;
					},
				},
				y: false,
			},
			hooks: {
				drawClear: [(u) => drawStates(u, now.current.states)],
				draw: [(u) => drawMarks(u, now.current.marks, data.current)],
				setCursor: [(u) => setAt(u.cursor.left !== undefined && u.cursor.left >= 0 ? (u.cursor.idx ?? null) : null)],
				setSelect: [
					(u) => {
						if (u.select.width > 4) {
							const a = u.posToVal(u.select.left, "x"), b = u.posToVal(u.select.left + u.select.width, "x");
							if (b - a >= MIN_SPAN) now.current.onRange({ from: a, to: b }, "zoom");
						}
						u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
					},
				],
			},
		};
		const empty: uPlot.AlignedData = [[], [], [], []];
		const d = data.current;
		const u = new uPlot(opts, d ? [d.x, d.mean as number[], d.min as number[], d.max as number[]] : empty, box.current!);
		plot.current = u;
		return () => {
			u.destroy();
			plot.current = null;
		};
	}, [width > 0, signal.id, signal.type, rows, dot, dark, language, width < 500]);

	useEffect(() => {
		if (width) plot.current?.setSize({ width, height });
	}, [width, height]);

	useEffect(() => {
		const u = plot.current;
		if (!u) return;
		const p = got?.points ?? null;
		data.current = p;
		/* Where a pixel holds many values the line is thinner, so that the envelope behind it is seen. */
		u.series[1]!.width = p?.envelope && p.x.length > width * 0.4 ? 1.1 : 1.6;
		u.setData(p ? [p.x, p.mean as number[], p.min as number[], p.max as number[]] : [[], [], [], []], true);
	}, [got, width > 0]);
	useEffect(() => {
		plot.current?.setScale("x", { min: range.from, max: range.to });
	}, [range.from, range.to]);
	useEffect(() => {
		plot.current?.redraw(false, false);
	}, [props.states, props.marks]);

	const zoom = (factor: number, center: number) => {
		const { from, to } = now.current.range;
		const c = from + (to - from) * center;
		const span = Math.max(MIN_SPAN, (to - from) * factor);
		props.onRange({ from: c - span * center, to: c + span * (1 - center) }, "move");
	};
	const pan = (by: number) => {
		const { from, to } = now.current.range;
		const d = (to - from) * by;
		props.onRange({ from: from + d, to: to + d }, "move");
	};
	useEffect(() => {
		const el = box.current!;
		const f = (e: WheelEvent) => {
			const u = plot.current;
			if (!u) return;
			const r = u.over.getBoundingClientRect();
			if (!e.ctrlKey && !(e.clientY > r.bottom)) return;
			e.preventDefault();
			zoom(e.deltaY > 0 ? 1.35 : 1 / 1.35, Math.min(1, Math.max(0, (e.clientX - r.left) / r.width)));
		};
		el.addEventListener("wheel", f, { passive: false });
		return () => el.removeEventListener("wheel", f);
	}, []);

	const p = got?.points;
	const name = signal.label || signal.name;
	const [lo] = p ? yRange(p.low, p.high) : [0];
	const notZero = p !== undefined && Number.isFinite(p.low) && lo !== 0 && signal.type !== "boolean";
	const blank = got !== null && p!.x.length === 0;
	return (
		<figure class="chart" style={{ "--dot": `var(${dot})` }}>
			<figcaption class="cap">
				<b><i />{name}{signal.unit && <small> {signal.unit}</small>}</b>
				<Readout signal={signal} points={p ?? null} at={at} rows={rows} near={range.to} follow={props.follow} />
			</figcaption>
			<div
				class="plot"
				ref={box}
				style={{ height: `${height}px` }}
				tabIndex={0}
				role="img"
				aria-label={t(chart.label, { name })}
				title=""
				onKeyDown={(e) => {
					if (e.key === "ArrowLeft") pan(-0.2);
					else if (e.key === "ArrowRight") pan(0.2);
					else if (e.key === "ArrowUp" || e.key === "+" || e.key === "=") zoom(1 / 1.5, 0.5);
					else if (e.key === "ArrowDown" || e.key === "-") zoom(1.5, 0.5);
					else if (e.key === "Escape" || e.key === "Backspace") props.onBack();
					else return;
					e.preventDefault();
				}}
			>
				{blank && (
					<span class="blank">
						<span>
							{t(chart.none)}
							{props.extent && !rows && (
								<>
									<br />
									{t(chart.noneBefore, { t: timeText(props.extent.last, nowMs()) })}
								</>
							)}
						</span>
					</span>
				)}
			</div>
			{error && <Problem error={error} />}
			<span class="note">{[notZero ? t(chart.notZero) : "", p?.envelope ? t(chart.envelope) : ""].filter(Boolean).join(" · ")}</span>
		</figure>
	);
}

function Readout({ signal, points: p, at, rows, near, follow }: { signal: Signal; points: Points | null; at: number | null; rows: boolean; near: number; follow: boolean }) {
	const live = useValue(signal.id);
	if (p && at !== null && p.x[at] !== undefined && (p.mean[at] ?? null) !== null) {
		const x = p.x[at]!, n = p.n[at]!;
		const spread = p.min[at] !== p.max[at];
		return (
			<span class="at">
				{rows ? `${t(chart.row)} ${number(x, true)}` : whenText(x, near, true)} · <b>{reading(p.mean[at]!, signal.type === "integer" && spread ? "float" : signal.type)}</b> {signal.unit}
				{spread && ` (${t(chart.between, { min: reading(p.min[at]!, signal.type), max: reading(p.max[at]!, signal.type), n: number(n) })})`}
				{p.bad[at]! > 0 && <span class="tag bad"> {t(chart.badHere, { n: p.bad[at] })}</span>}
			</span>
		);
	}
	const v = live?.v ?? signal.last?.value ?? null;
	const text = `${reading(v, signal.type)}${signal.unit ? ` ${signal.unit}` : ""}`;
	return <span class="at live">{t(follow ? chart.now : chart.last, { v: text })}</span>;
}

/* A word that the edge would cut is left out; its line stays. */
function tickTexts(u: uPlot, r: Range, narrow: boolean): (string | null)[] {
	const k = timeTicks(r.from, r.to, u.bbox.width / devicePixelRatio, narrow);
	return whole(u, r, k.at, k.text);
}
function whole(u: uPlot, r: Range, at: readonly number[], text: readonly string[]): (string | null)[] {
	const px = u.bbox.width / devicePixelRatio;
	return text.map((s, i) => {
		const half = [...s].reduce((n, c) => n + (c > "\u2e80" ? 12 : 6.8), 0) / 2;
		return px - ((at[i]! - r.from) / (r.to - r.from)) * px + EDGE < half ? null : s;
	});
}

/* Ticks of one axis share their decimals. */
function axisNumber(v: number, all: number[]): string {
	const step = all.length > 1 ? Math.abs(all[1]! - all[0]!) : Math.abs(v);
	let digits = 0;
	while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
	if (Math.abs(v) >= 1e7) return v.toExponential(1);
	return v.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function drawStates(u: uPlot, states: readonly Interval[]): void {
	const { ctx } = u, { left, top, width, height } = u.bbox;
	ctx.save();
	for (const s of states) {
		const name = shade[s.state];
		if (!name) continue;
		const a = Math.max(left, u.valToPos(Date.parse(s.from), "x", true)), b = Math.min(left + width, u.valToPos(Date.parse(s.to), "x", true));
		if (b <= a) continue;
		ctx.fillStyle = colour(name);
		ctx.fillRect(a, top, Math.max(1, b - a), height);
	}
	ctx.restore();
}

function drawMarks(u: uPlot, marks: readonly Mark[], p: Points | null): void {
	const { ctx } = u, { left, top, width, height } = u.bbox, r = devicePixelRatio || 1;
	ctx.save();
	ctx.font = `${600} ${12 * r}px ${colour("--font")}`;
	ctx.textBaseline = "top";
	ctx.textAlign = "left";
	const rows: [number, number][][] = [];
	for (const m of [...marks].sort((a, b) => a.t - b.t)) {
		const x = u.valToPos(m.t, "x", true);
		if (x < left || x > left + width) continue;
		ctx.strokeStyle = ctx.fillStyle = colour(m.look === "stop" ? "--stop" : "--wait");
		ctx.lineWidth = 1.5 * r;
		ctx.beginPath();
		ctx.moveTo(x, top);
		ctx.lineTo(x, top + height);
		ctx.stroke();
		const w = ctx.measureText(m.text).width, right = x + 6 * r + w < left + width;
		const a = right ? x + 6 * r : x - 6 * r - w;
		/* Words that would run into each other stand below each other. */
		let row = rows.findIndex((taken) => taken.every(([b, c]) => a > c + 4 * r || a + w < b - 4 * r));
		if (row < 0) row = rows.push([]) - 1;
		rows[row]!.push([a, a + w]);
		ctx.fillText(m.text, a, top + (3 + row * 15) * r);
	}
	/* Bad values: a cross on the floor of the plot, so that they are never taken for readings. */
	if (p) {
		ctx.strokeStyle = colour("--stop");
		ctx.lineWidth = 1.4 * r;
		const s = 3 * r, y = top + height - 6 * r;
		ctx.beginPath();
		for (let i = 0; i < p.x.length; i++) {
			if (!p.bad[i]) continue;
			const x = u.valToPos(p.x[i]!, "x", true);
			if (x < left || x > left + width) continue;
			ctx.moveTo(x - s, y - s);
			ctx.lineTo(x + s, y + s);
			ctx.moveTo(x + s, y - s);
			ctx.lineTo(x - s, y + s);
		}
		ctx.stroke();
	}
	ctx.restore();
}

/* Colours of the lines in the order in which signals were picked. */
export const dots = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"] as const;
export function useExtentText(r: Range, rows: boolean): string {
	return useMemo(() => (rows ? t(chart.rows, { from: number(Math.round(r.from), true), to: number(Math.round(r.to), true) }) : t(chart.rangeText, { from: timeText(r.from, nowMs()), to: whenText(r.to, r.from) })), [r.from, r.to, rows, lang()]);
}
