/* Numbers, times and durations as people write them, in the node's zone. */
import { lang, t } from "./i18n";
import { units } from "./words/units";
import type { Value } from "./types";

let zone = "Asia/Seoul";
let parts: Intl.DateTimeFormat | null = null;

export function setZone(z: string): void {
	try {
		new Intl.DateTimeFormat("en-US", { timeZone: z });
		zone = z;
	} catch {
		zone = "UTC";
	}
	parts = null;
	offsets.clear();
}

/* Milliseconds that the zone's clock is ahead of UTC; the same within a quarter of an hour. */
const offsets = new Map<number, number>();
export function zoneOffset(ms: number): number {
	const key = Math.floor(ms / 900_000);
	let o = offsets.get(key);
	if (o === undefined) {
		parts ??= new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
		const p: Record<string, number> = {};
		const whole = key * 900_000;
		for (const x of parts.formatToParts(whole)) p[x.type] = Number(x.value);
		o = Date.UTC(p.year!, p.month! - 1, p.day!, p.hour!, p.minute!, p.second!) - whole;
		if (offsets.size > 20_000) offsets.clear();
		offsets.set(key, o);
	}
	return o;
}

export const zoneName = (): string => zone;
/* "2026-11-22 08:10:05.500", as spreadsheets read it. */
export function isoLocal(x: number): string {
	return new Date(x + zoneOffset(x)).toISOString().slice(0, 23).replace("T", " ");
}

export type Civil = { year: number; month: number; day: number; weekday: number; hour: number; minute: number; second: number; ms: number };
export function civil(ms: number): Civil {
	const d = new Date(ms + zoneOffset(ms));
	return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), weekday: d.getUTCDay(), hour: d.getUTCHours(), minute: d.getUTCMinutes(), second: d.getUTCSeconds(), ms: d.getUTCMilliseconds() };
}

const two = (n: number): string => String(n).padStart(2, "0");
export const ms = (time: string | number): number => (typeof time === "number" ? time : Date.parse(time));

export function clockText(time: string | number, seconds = false): string {
	const c = civil(ms(time));
	return `${two(c.hour)}:${two(c.minute)}${seconds ? `:${two(c.second)}` : ""}`;
}
function dateArgs(c: Civil): Record<string, string | number> {
	return { year: c.year, month: c.month, day: c.day, weekday: t(units.weekdays).split(",")[c.weekday]!, monthName: t(units.months).split(",")[c.month - 1]! };
}
export const dateText = (time: string | number): string => t(units.date, dateArgs(civil(ms(time))));
export const dateShort = (time: string | number): string => t(units.dateShort, dateArgs(civil(ms(time))));
export const monthText = (time: string | number, year: boolean): string => t(year ? units.monthYear : units.month, dateArgs(civil(ms(time))));
export const yearText = (time: string | number): string => t(units.year, dateArgs(civil(ms(time))));

/* "11월 22일 (일) 08:10", with the year when it is another than the one given. */
export function timeText(time: string | number | null | undefined, near?: number, seconds = false): string {
	if (time === null || time === undefined) return t(units.none);
	const x = ms(time);
	if (Number.isNaN(x)) return t(units.none);
	const c = civil(x);
	const other = near !== undefined && civil(near).year !== c.year;
	return `${t(other ? units.dateYear : units.date, dateArgs(c))} ${clockText(x, seconds)}`;
}
/* The time alone when it is on the day of `near`. */
export function whenText(time: string | number | null | undefined, near: number, seconds = false): string {
	if (time === null || time === undefined) return t(units.none);
	const a = civil(ms(time)), b = civil(near);
	return a.year === b.year && a.month === b.month && a.day === b.day ? clockText(time, seconds) : timeText(time, near, seconds);
}

export function duration(d: number): string {
	const s = Math.max(0, Math.round(d / 1000));
	if (s < 60) return t(units.seconds, { n: s });
	const m = Math.floor(s / 60);
	if (m < 60) return t(units.minutes, { n: m });
	const h = Math.floor(m / 60);
	if (h < 48) return m % 60 ? t(units.hoursMinutes, { h, m: m % 60 }) : t(units.hours, { h });
	const days = Math.floor(h / 24);
	return h % 24 && days < 10 ? t(units.daysHours, { d: days, h: h % 24 }) : t(units.days, { d: days });
}

const formats = new Map<string, Intl.NumberFormat>();
function nf(decimals: number, fixed: boolean): Intl.NumberFormat {
	const key = `${lang()}${decimals}${fixed}`;
	let f = formats.get(key);
	if (!f) formats.set(key, (f = new Intl.NumberFormat(lang() === "ko" ? "ko-KR" : "en-GB", { maximumFractionDigits: decimals, minimumFractionDigits: fixed ? decimals : 0 })));
	return f;
}
/* Four figures are what a sensor of the floor can know; counts are shown whole. */
export function number(v: number | null | undefined, whole = false): string {
	if (v === null || v === undefined || Number.isNaN(v)) return t(units.none);
	if (whole || (Number.isInteger(v) && Math.abs(v) < 1e15)) return nf(0, false).format(v);
	const a = Math.abs(v);
	if (a !== 0 && (a < 0.001 || a >= 1e9)) return v.toPrecision(3);
	return nf(a >= 1000 ? 0 : a >= 100 ? 1 : a >= 10 ? 2 : 3, true).format(v);
}
/* At most so many decimals, none that say nothing. */
export const rounded = (v: number, decimals: number): string => nf(decimals, false).format(v);
/* A float keeps its decimals even when it happens to be whole, so that figures stand still. */
export function reading(v: Value, type: string): string {
	if (v === null || v === undefined) return t(units.none);
	if (typeof v === "boolean") return t(v ? units.yes : units.no);
	if (typeof v === "string") return v === "" ? t(units.none) : v;
	if (type === "integer") return number(v, true);
	if (type === "boolean") return t(v ? units.yes : units.no);
	const a = Math.abs(v);
	if (a !== 0 && (a < 0.001 || a >= 1e9)) return v.toPrecision(3);
	return nf(a >= 1000 ? 0 : a >= 100 ? 1 : a >= 10 ? 2 : 3, true).format(v);
}
export const percent = (v: number | null | undefined): string => (v === null || v === undefined ? t(units.none) : `${Math.round(v * 100)}%`);
export function quantity(v: number | null | undefined, unit: string | null | undefined): string {
	return v === null || v === undefined ? t(units.none) : `${Math.abs(v) < 1e9 ? rounded(v, 3) : number(v)}${unit ? ` ${unit}` : ""}`;
}
export function bytes(n: number): string {
	if (n < 1e6) return t(units.kb, { n: number(Math.max(1, Math.round(n / 1e3))) });
	if (n < 1e9) return t(units.mb, { n: nf(1, false).format(n / 1e6) });
	return t(units.gb, { n: nf(2, false).format(n / 1e9) });
}
