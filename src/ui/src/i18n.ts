/* Two languages side by side. A word is [Korean, English]; {name} is replaced,
 * {name|을/를} adds the particle that the final sound asks for (Korean), and
 * {n#lot/lots} the form that the number asks for (English). */
import { useEffect, useState } from "preact/hooks";

export type Lang = "ko" | "en";
export type Word = readonly [ko: string, en: string];
export type Args = Record<string, string | number | null | undefined>;
export type Said = { ko: string; en: string };

let current: Lang = document.documentElement.lang === "en" ? "en" : "ko";
let chosen = false;
const listeners = new Set<() => void>();

export const lang = (): Lang => current;

export function setLang(next: Lang, byPerson = true): void {
	if (byPerson) {
		chosen = true;
		keep("moru.lang", next);
	}
	if (next === current) return;
	current = next;
	document.documentElement.lang = next;
	listeners.forEach((f) => f());
}

/* The node's own language holds until a person chooses another one here. */
export function defaultLang(next: Lang): void {
	if (!chosen && recall("moru.lang") === null) setLang(next, false);
}

export function useLang(): Lang {
	const [l, set] = useState(current);
	useEffect(() => {
		const f = () => set(current);
		listeners.add(f);
		f();
		return () => void listeners.delete(f);
	}, []);
	return l;
}

export function keep(key: string, value: string): void {
	try {
		localStorage.setItem(key, value);
	} catch {
		/* a closed storage only forgets */
	}
}
export function recall(key: string): string | null {
	try {
		return localStorage.getItem(key);
	} catch {
		return null;
	}
}

/* 0: ends in a vowel, 1: in a consonant, 2: in ㄹ. Digits and Latin letters as they are read aloud in Korean. */
export function finalSound(text: string): 0 | 1 | 2 {
	const s = text.replace(/[\s)\]}"'”’>%]+$/u, "");
	const c = s.codePointAt(Math.max(0, s.length - 1)) ?? 0;
	if (c >= 0xac00 && c <= 0xd7a3) {
		const f = (c - 0xac00) % 28;
		return f === 0 ? 0 : f === 8 ? 2 : 1;
	}
	const ch = String.fromCodePoint(c).toLowerCase();
	if (/[a-z]r$/.test(s)) return 0; /* a word, as "power": 파워 */
	if ("178".includes(ch) || "lr".includes(ch)) return 2;
	if ("036".includes(ch) || "mn".includes(ch)) return 1;
	return 0;
}

function particle(pair: string, before: string): string {
	const [closed = "", open = ""] = pair.split("/");
	const sound = finalSound(before);
	return sound === 0 || (sound === 2 && closed === "으로") ? open : closed;
}

export function fill(text: string, args: Args): string {
	return text.replace(/\{(\w+)(?:([|#])([^}]*))?\}/g, (_, name: string, kind: string | undefined, rest: string) => {
		const v = args[name];
		const s = v === null || v === undefined ? "" : String(v);
		if (kind === "|") return s + particle(rest, s);
		if (kind === "#") {
			const [one = "", many = ""] = rest.split("/");
			return `${s} ${s === "1" ? one : many}`;
		}
		return s;
	});
}

export const t = (w: Word, args?: Args): string => {
	const s = current === "ko" ? w[0] : w[1];
	return args ? fill(s, args) : s;
};
/* Messages of the node come in both languages. */
export const said = (s: Said): string => (current === "ko" ? s.ko : s.en);
