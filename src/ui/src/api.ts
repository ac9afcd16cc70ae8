/* Requests to the node: JSON in and out, problems as errors with words in both languages. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { onChanges, onResync } from "./live";
import type { Said } from "./i18n";
import { csrf, needLogin, setSession } from "./session";
import type { Problem, Session } from "./types";

export class ApiError extends Error {
	constructor(
		readonly problem: Problem | null, /* null: the node did not answer */
		readonly request: string,
		readonly status: number,
	) {
		super(problem?.code ?? "unreachable");
	}
	get detail(): Said | null {
		return this.problem?.detail ?? null;
	}
}

export async function problemOf(r: Response, request: string): Promise<ApiError> {
	let p: Problem | null = null;
	try {
		const j = (await r.json()) as Problem;
		if (j && typeof j.code === "string" && j.detail) p = j;
	} catch {
		/* not a problem document: the status has to do */
	}
	return new ApiError(p, request, r.status);
}

const SESSION = "/api/v1/session";

async function ask<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal, again = false): Promise<T> {
	let r: Response;
	const own = method === "GET" ? headers : { ...csrf(), ...headers };
	try {
		r = await fetch(path, {
			method,
			signal,
			headers: body === undefined ? own : { "Content-Type": "application/json", ...own },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch (e) {
		if (signal?.aborted) throw e;
		throw new ApiError(null, `${method} ${path}`, 0);
	}
	if (!r.ok) {
		const e = await problemOf(r, `${method} ${path}`);
		/* Somebody logged in anew in another tab: the text for changes is the new session's. */
		if (e.problem?.code === "api_csrf" && !again) {
			setSession(await get<Session>(SESSION));
			return ask<T>(method, path, body, headers, signal, true);
		}
		if (r.status === 401 && !(method === "POST" && path === SESSION)) needLogin();
		throw e;
	}
	return (r.status === 204 ? undefined : await r.json()) as T;
}

/* A file as the body, of the type that the browser takes it for. */
export async function send<T>(path: string, file: File): Promise<T> {
	let r: Response;
	try {
		r = await fetch(path, { method: "POST", headers: { "Content-Type": file.type || "application/octet-stream", ...csrf() }, body: file });
	} catch {
		throw new ApiError(null, `POST ${path}`, 0);
	}
	if (!r.ok) {
		if (r.status === 401) needLogin();
		throw await problemOf(r, `POST ${path}`);
	}
	return (await r.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => ask<T>("GET", path, undefined, {}, signal);
export const post = <T>(path: string, body: unknown): Promise<T> => ask<T>("POST", path, body);
export const put = <T>(path: string, body: unknown, version?: number): Promise<T> =>
	ask<T>("PUT", path, body, version === undefined ? {} : { "If-Match": `"${version}"` });
export async function loadSession(): Promise<void> {
	try {
		setSession(await get<Session>(SESSION));
	} catch {
		/* 401 was seen already; else the next answer tells what is wrong */
	}
}
export async function logOut(): Promise<void> {
	await del(SESSION);
	needLogin();
}
export const del = (path: string): Promise<unknown> => ask("DELETE", path);

export function query(args: Record<string, string | number | null | undefined>): string {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(args)) if (v !== null && v !== undefined && v !== "") q.set(k, String(v));
	const s = q.toString();
	return s ? `?${s}` : "";
}

/* The first answers are asked for before the page's code is drawn. */
const early = new Map<string, Promise<unknown>>();
export function prefetch(path: string): void {
	const p = get(path);
	p.catch(() => undefined);
	early.set(path, p);
}

export type Got<T> = { data: T | null; error: ApiError | null; busy: boolean; again: () => void };

/* One resource on the page: the last answer stays while the next one comes.
 * nouns: asked again when the change feed names one of them, at most every 2 s. */
export function useGet<T>(path: string | null, opts: { nouns?: readonly string[]; every?: number } = {}): Got<T> {
	const [state, set] = useState<{ path: string | null; data: T | null; error: ApiError | null; busy: boolean }>({ path, data: null, error: null, busy: path !== null });
	const running = useRef<AbortController | null>(null);
	const load = useCallback(() => {
		if (path === null) {
			set({ path, data: null, error: null, busy: false });
			return;
		}
		running.current?.abort();
		const c = new AbortController();
		running.current = c;
		set((s) => ({ ...s, path, data: s.path === path ? s.data : null, error: s.path === path ? s.error : null, busy: true }));
		const first = early.get(path) as Promise<T> | undefined;
		early.delete(path);
		(first ?? get<T>(path, c.signal)).then(
			(data) => {
				if (!c.signal.aborted) set({ path, data, error: null, busy: false });
			},
			(e: unknown) => {
				if (!c.signal.aborted) set((s) => ({ ...s, error: e instanceof ApiError ? e : new ApiError(null, path, 0), busy: false }));
			},
		);
	}, [path]);
	useEffect(() => {
		load();
		return () => running.current?.abort();
	}, [load]);
	const nouns = opts.nouns?.join() ?? "";
	useEffect(() => {
		if (!nouns) return;
		const wanted = new Set(nouns.split(","));
		let timer = 0;
		const soon = () => {
			if (!timer)
				timer = window.setTimeout(() => {
					timer = 0;
					load();
				}, 2000);
		};
		const off = onChanges((list) => {
			if (list.some((c) => wanted.has(c.noun))) soon();
		});
		return () => {
			off();
			clearTimeout(timer);
		};
	}, [nouns, load]);
	useEffect(() => onResync(load), [load]);
	const every = opts.every;
	useEffect(() => {
		if (!every) return;
		const id = setInterval(() => {
			if (document.visibilityState === "visible") load();
		}, every);
		return () => clearInterval(id);
	}, [every, load]);
	const mine = state.path === path;
	useEffect(() => {
		if (mine && state.data !== null && !document.documentElement.dataset.data) {
			document.documentElement.dataset.data = "1";
			requestAnimationFrame(() => performance.mark("moru-data"));
		}
	}, [mine, state.data]);
	return { data: mine ? state.data : null, error: mine ? state.error : null, busy: mine ? state.busy : path !== null, again: load };
}

/* All pages of a list, up to `most` rows. */
export async function all<T>(path: string, most: number, signal?: AbortSignal): Promise<{ items: T[]; cut: boolean }> {
	const items: T[] = [];
	let cursor: string | null = null;
	do {
		const sep = path.includes("?") ? "&" : "?";
		const page: { items: T[]; next: string | null } = await get(cursor === null ? path : `${path}${sep}cursor=${encodeURIComponent(cursor)}`, signal);
		items.push(...page.items);
		cursor = page.next;
	} while (cursor !== null && items.length < most);
	return { items, cut: cursor !== null };
}
