/* Ticks of the time axis in the node's zone and the reader's words. */
import { clockText, dateShort, monthText, yearText, zoneOffset, civil } from "../format";

const S = 1000, M = 60 * S, H = 60 * M, D = 24 * H;
const STEPS = [S / 10, S, 2 * S, 5 * S, 10 * S, 15 * S, 30 * S, M, 2 * M, 5 * M, 10 * M, 15 * M, 30 * M, H, 2 * H, 3 * H, 6 * H, 12 * H, D, 2 * D, 7 * D];
const MONTHS = [1, 3, 6, 12, 24, 60, 120, 240];

export type Ticks = { at: number[]; text: string[] };

export function timeTicks(from: number, to: number, px: number, narrow: boolean): Ticks {
	const room = Math.max(2, Math.floor(px / (narrow ? 74 : 96)));
	const span = Math.max(1, to - from);
	const step = STEPS.find((s) => span / s <= room);
	const at: number[] = [], text: string[] = [];
	if (step !== undefined) {
		for (let i = Math.ceil((from + zoneOffset(from)) / step); at.length < 60; i++) {
			/* The local time is whole; where the zone's offset changed, the offset of that time holds. */
			const local = i * step;
			const x = local - zoneOffset(local - zoneOffset(from));
			if (x > to) break;
			at.push(x);
			const c = civil(x);
			const midnight = c.hour === 0 && c.minute === 0 && c.second === 0 && c.ms === 0;
			text.push(step >= D || midnight ? dateShort(x) : step < S ? `${clockText(x, true)}.${Math.floor(c.ms / 100)}` : clockText(x, step < M));
		}
		return { at, text };
	}
	const months = MONTHS.find((m) => span / (m * 30.44 * D) <= room) ?? 240;
	const first = civil(from);
	for (let n = Math.ceil((first.year * 12 + first.month - 1) / months) * months; at.length < 60; n += months) {
		const utc = Date.UTC(Math.floor(n / 12), n % 12, 1);
		const x = utc - zoneOffset(utc);
		if (x > to) break;
		if (x < from) continue;
		at.push(x);
		text.push(months >= 12 ? yearText(x) : n % 12 === 0 ? yearText(x) : monthText(x, false));
	}
	return { at, text };
}
