/* Small parts used everywhere: states, errors, empty pages, the undo note. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../api";
import { said, t, type Word } from "../i18n";
import { frame } from "../words/frame";
import { states } from "../words/states";
import { units } from "../words/units";
import type { CaseState, Quality } from "../types";

export type Look = "run" | "wait" | "stop" | "plan" | "none";
export const machineLook: Record<string, Look> = { running: "run", waiting: "wait", stopped: "stop", planned: "plan", no_data: "none", stale: "none" };
export const lotLook: Record<string, Look> = { ok: "run", on_hold: "wait", quarantined: "wait", concession: "wait", rework: "wait", scrapped: "stop", shipped: "plan" };
export const caseLook: Record<CaseState, Look> = { open: "stop", seen: "wait", in_work: "wait", done: "run", closed: "plan" };

/* A name of the node that has a word; what has none is shown as it stands. */
export function word(table: Record<string, Word>, key: string | null | undefined): string {
	if (!key) return t(units.none);
	const w = table[key];
	return w ? t(w) : key;
}
export const stateWord = (key: string | null | undefined): string => word(states, key);

export function State({ look, children, wrap, title }: { look: Look; children: ComponentChildren; wrap?: boolean; title?: string }) {
	return <span class={`state ${look}${wrap ? " wrap" : ""}`} title={title}>{children}</span>;
}

export function QualityTag({ q }: { q: Quality | null | undefined }) {
	if (!q || q === "good") return null;
	return <span class={`tag ${q === "bad" ? "bad" : "warn"}`}>{t(states[q])}</span>;
}

export function Problem({ error, again }: { error: ApiError; again?: () => void }) {
	const gone = error.status === 0, missing = error.status === 404;
	const detail = error.detail;
	return (
		<div class="problem" role="alert">
			<b>{detail ? said(detail) : t(gone ? frame.errUnreachable : missing ? frame.errMissing : frame.errTitle)}</b>
			<p class="small">{t(gone ? frame.errUnreachableMore : missing ? frame.errMissingMore : frame.errMore)}</p>
			<details>
				<summary>{t(frame.errTechnical)}</summary>
				<pre>{`${error.request}\n${error.status || "–"} ${error.problem ? JSON.stringify(error.problem, null, 1) : ""}`}</pre>
			</details>
			{again && (
				<div class="acts">
					<button class="btn tight" onClick={again}>{t(frame.again)}</button>
				</div>
			)}
		</div>
	);
}

export function Empty({ title, children, acts }: { title: string; children?: ComponentChildren; acts?: ComponentChildren }) {
	return (
		<section class="sheet empty">
			<h1>{title}</h1>
			{children && <p>{children}</p>}
			{acts && <div class="acts">{acts}</div>}
		</section>
	);
}

export function Lead({ title, children, acts, crumb, page }: { title: ComponentChildren; children?: ComponentChildren; acts?: ComponentChildren; crumb?: ComponentChildren; page?: string }) {
	useEffect(() => {
		if (page) document.title = `${page} · ${t(frame.product)}`;
	}, [page]);
	return (
		<div class="lead">
			<div>
				{crumb && <span class="crumb">{crumb}</span>}
				<h1>{title}</h1>
				{children && <p>{children}</p>}
			</div>
			{acts && <div class="acts">{acts}</div>}
		</div>
	);
}

/* Sentences after one another, each with its full stop. */
export const sentences = (list: readonly (string | null | undefined)[]): string => list.filter(Boolean).map((s) => (/[.!?]$/.test(s!) ? s! : `${s!}.`)).join(" ");

export function Waiting() {
	const [late, set] = useState(false);
	useEffect(() => {
		const id = setTimeout(() => set(true), 400);
		return () => clearTimeout(id);
	}, []);
	return <p class="wait-line" aria-live="polite">{late ? t(frame.loading) : ""}</p>;
}

/* ---- the note at the bottom: what was done, and its undo ---- */
type Note = { text: string; undo?: () => void };
let show: (n: Note | null) => void = () => undefined;
export const note = (text: string, undo?: () => void): void => show({ text, undo });

export function Notes() {
	const [n, set] = useState<Note | null>(null);
	show = set;
	useEffect(() => {
		if (!n) return;
		const id = setTimeout(() => set(null), n.undo ? 12_000 : 4000);
		return () => clearTimeout(id);
	}, [n]);
	if (!n) return null;
	return (
		<div class="toast" role="status">
			<span>{n.text}</span>
			{n.undo && (
				<button
					onClick={() => {
						n.undo!();
						set(null);
					}}
				>
					{t(frame.undo)}
				</button>
			)}
		</div>
	);
}

export async function copyLink(): Promise<void> {
	try {
		await navigator.clipboard.writeText(location.href);
	} catch {
		const i = document.createElement("input");
		i.value = location.href;
		document.body.append(i);
		i.select();
		document.execCommand("copy");
		i.remove();
	}
	note(t(frame.copied));
}
