/* Range of a page's charts: text, presets, and the buttons that fingers need. */
import { t } from "../i18n";
import { chart } from "../words/chart";
import { useExtentText } from "./chart";
import type { Shown, Span } from "./range";

const presets: Span[] = ["h1", "h8", "d1", "w1", "y1", "all"];

export function RangeBar({ shown, rows }: { shown: Shown; rows: boolean }) {
	const { range } = shown;
	const text = useExtentText(range, rows);
	const d = range.to - range.from;
	const buttons: [string, string, () => void][] = [
		["‹", t(chart.earlier), () => shown.set({ from: range.from - d / 2, to: range.to - d / 2 }, "move")],
		["›", t(chart.later), () => shown.set({ from: range.from + d / 2, to: range.to + d / 2 }, "move")],
		["+", t(chart.zoomIn), () => shown.set({ from: range.from + d / 4, to: range.to - d / 4 }, "zoom")],
		["−", t(chart.zoomOut), () => shown.set({ from: range.from - d / 2, to: range.to + d / 2 }, "zoom")],
	];
	return (
		<div class="chart-bar" title={t(chart.keys)}>
			<span>
				<span class="range">{text}</span>
				{shown.follow && <small> · {t(chart.follow)}</small>}
			</span>
			<span class="tabs" role="group" aria-label={t(chart.range)}>
				{presets.filter((p) => !rows || p === "all").map((p) => (
					<button key={p} aria-pressed={shown.span === p} onClick={() => shown.pick(p)}>{t(chart[p])}</button>
				))}
				{buttons.map(([sign, label, f]) => (
					<button key={sign} aria-label={label} title={label} onClick={f}>{sign}</button>
				))}
			</span>
		</div>
	);
}
