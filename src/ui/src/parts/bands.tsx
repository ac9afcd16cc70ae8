/* Machine states over time as a band; what is normal is pale. */
import { clockText, duration, ms, whenText, zoneOffset } from "../format";
import { t } from "../i18n";
import { today } from "../words/today";
import type { Interval, MState } from "../types";
import { machineLook, State, stateWord } from "./basic";

export const machineStates: readonly MState[] = ["running", "waiting", "stopped", "planned", "no_data"];

export function Band({ items, from, to, label }: { items: readonly Interval[]; from: number; to: number; label: string }) {
	const span = Math.max(1, to - from);
	return (
		<span class="band" role="img" aria-label={label}>
			{items.map((s) => {
				const a = Math.max(from, ms(s.from)), b = Math.min(to, ms(s.to));
				if (b <= a) return null;
				/* What matters stays visible even where it is shorter than a pixel. */
				const least = s.state === "stopped" || s.state === "waiting" ? 0.22 : 0;
				return (
					<i
						key={s.from}
						class={s.state}
						style={{ left: `${((a - from) / span) * 100}%`, width: `${Math.max(least, ((b - a) / span) * 100)}%`, zIndex: s.state === "stopped" ? 2 : s.state === "waiting" ? 1 : undefined }}
						title={t(today.bandTitle, { state: stateWord(s.state), from: clockText(s.from), to: clockText(s.to), d: duration(b - a) })}
					/>
				);
			})}
		</span>
	);
}

export function Legend() {
	return (
		<span class="legend" role="group" aria-label={t(today.legend)}>
			{machineStates.map((s) => (
				<State key={s} look={machineLook[s]!}>{stateWord(s)}</State>
			))}
		</span>
	);
}

const HOUR = 3_600_000;
export function HourAxis({ from, to }: { from: number; to: number }) {
	const hours = (to - from) / HOUR;
	const step = [0.25, 0.5, 1, 2, 3, 4, 6].find((s) => hours / s <= 8) ?? 6;
	const o = zoneOffset(from), ticks: number[] = [];
	for (let x = Math.ceil((from + o) / (step * HOUR)) * step * HOUR - o; x <= to; x += step * HOUR) ticks.push(x);
	return (
		<span class="axis" aria-hidden="true">
			{ticks.map((x) => {
				const at = ((x - from) / (to - from)) * 100;
				return (
					<span key={x} style={{ left: `${at}%`, transform: at < 3 ? "translateX(-30%)" : at > 97 ? "translateX(-70%)" : undefined }}>
						{clockText(x)}
					</span>
				);
			})}
		</span>
	);
}

export function since(time: string | null, now: number): string {
	return time ? t(today.since, { t: whenText(time, now) }) : "";
}

