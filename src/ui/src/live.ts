/* Live news for the page: last values by series, the node's clock, the change
 * feed, whether the connection stands and since when not. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { Hub, type FromHub, type ToHub } from "./hub";
import type { Change, Clock, LiveValue } from "./types";

type Link = { lost: number | null }; /* ms of the browser's clock */

let tell: (m: ToHub) => void = () => undefined;
let link: Link = { lost: null };
let clock: { at: number; ms: number; mode: Clock["mode"]; scale: number; history: Clock["history"] } | null = null;
const values = new Map<string, LiveValue>();
const stale = new Map<string, boolean>();
const wanted = new Map<string, number>();
const on = { link: new Set<() => void>(), clock: new Set<() => void>(), device: new Set<() => void>(), resync: new Set<() => void>(), changes: new Set<(c: Change[]) => void>() };
const valueListeners = new Map<string, Set<(v: LiveValue) => void>>();

function take(m: FromHub): void {
	switch (m.kind) {
		case "up": {
			const was = link.lost !== null;
			link = { lost: null };
			on.link.forEach((f) => f());
			if (m.again || was) on.resync.forEach((f) => f());
			break;
		}
		case "lost":
			link = { lost: m.at };
			on.link.forEach((f) => f());
			break;
		case "value":
			for (const v of m.data as LiveValue[]) {
				values.set(v.id, v);
				valueListeners.get(v.id)?.forEach((f) => f(v));
			}
			break;
		case "clock":
			setClock(m.data as Clock);
			break;
		case "change":
			on.changes.forEach((f) => f(m.data as Change[]));
			break;
		case "device":
			if (Array.isArray(m.data)) {
				let changed = false;
				for (const d of m.data as { asset: string; stale: boolean }[]) {
					if (stale.get(d.asset) !== d.stale) changed = true;
					stale.set(d.asset, d.stale);
				}
				if (changed) on.device.forEach((f) => f());
			}
			break;
	}
}

export function startLive(): void {
	try {
		const w = new SharedWorker(new URL("./live-worker.ts", import.meta.url), { type: "module", name: "moru-live" });
		w.port.onmessage = (e: MessageEvent<FromHub>) => take(e.data);
		w.onerror = () => alone();
		tell = (m) => w.port.postMessage(m);
	} catch {
		alone();
	}
	topics();
	setInterval(() => tell({ kind: "alive" }), 20_000);
	addEventListener("pagehide", () => tell({ kind: "bye" }));
	addEventListener("pageshow", (e) => e.persisted && topics());
}

/* What kept the stream away is over, as after a login: it is opened now, not when its back-off ends. */
export const liveAgain = (): void => tell({ kind: "again" });

function alone(): void {
	const seat = new Hub().join(take);
	tell = seat.tell;
	topics();
}

let soon = 0;
function topics(): void {
	clearTimeout(soon);
	soon = window.setTimeout(() => tell({ kind: "topics", series: [...wanted.keys()] }), 30);
}

/* ---- clock ---- */
export function setClock(c: Clock): void {
	const first = clock === null;
	clock = { at: performance.now(), ms: Date.parse(c.now), mode: c.mode, scale: c.scale, history: c.history ?? null };
	on.clock.forEach((f) => f());
	if (first) performance.mark("moru-clock");
}
/* The node's time now, carried on between the ticks. */
export function nowMs(): number {
	if (!clock) return Date.now();
	const d = Math.min(performance.now() - clock.at, 2000);
	return clock.ms + (clock.mode === "stepped" ? 0 : d * (clock.mode === "scaled" ? clock.scale : 1));
}
export const clockMode = (): { mode: Clock["mode"]; scale: number; history: Clock["history"] } | null => clock;

/* Redraws with the node's clock, about once a second. */
export function useNow(): number {
	const [n, set] = useState(nowMs());
	useEffect(() => {
		const f = () => set(nowMs());
		on.clock.add(f);
		return () => void on.clock.delete(f);
	}, []);
	return n;
}

export function useLink(): Link {
	const [l, set] = useState(link);
	useEffect(() => {
		const f = () => set(link);
		on.link.add(f);
		return () => void on.link.delete(f);
	}, []);
	return l;
}

export function onChanges(f: (c: Change[]) => void): () => void {
	on.changes.add(f);
	return () => void on.changes.delete(f);
}
export function onResync(f: () => void): () => void {
	on.resync.add(f);
	return () => void on.resync.delete(f);
}
/* Whether what came from this asset is stale; undefined where nobody says. */
export function useStale(asset: string): boolean | undefined {
	const [, set] = useState(0);
	useEffect(() => {
		const f = () => set((n) => n + 1);
		on.device.add(f);
		return () => void on.device.delete(f);
	}, []);
	return stale.get(asset);
}

/* Asks for these series while the component lives. */
export function useTopics(ids: readonly string[]): void {
	const key = ids.join();
	useEffect(() => {
		const list = key ? key.split(",") : [];
		list.forEach((id) => wanted.set(id, (wanted.get(id) ?? 0) + 1));
		if (list.length) topics();
		return () => {
			list.forEach((id) => {
				const n = (wanted.get(id) ?? 1) - 1;
				if (n) wanted.set(id, n);
				else wanted.delete(id);
			});
			if (list.length) topics();
		};
	}, [key]);
}

export function onValue(id: string, f: (v: LiveValue) => void): () => void {
	let set = valueListeners.get(id);
	if (!set) valueListeners.set(id, (set = new Set()));
	set.add(f);
	return () => void set.delete(f);
}

export function useValue(id: string): LiveValue | undefined {
	const [v, set] = useState(values.get(id));
	useEffect(() => {
		set(values.get(id));
		return onValue(id, set);
	}, [id]);
	return useMemo(() => v, [v]);
}
