/* Addresses: every view has one that can be sent. A link ends with a slash where its last part has a dot, so that the node takes it for a view
 * and not for a file. */
import { useEffect, useState } from "preact/hooks";

export type Route = { path: string; parts: string[]; query: URLSearchParams };

const listeners = new Set<() => void>();

function read(): Route {
	const path = location.pathname;
	const parts = path.split("/").filter(Boolean).map((p) => {
		try {
			return decodeURIComponent(p);
		} catch {
			return p;
		}
	});
	return { path, parts, query: new URLSearchParams(location.search) };
}
let route = read();

function changed(): void {
	route = read();
	listeners.forEach((f) => f());
}

export function go(href: string, replace = false): void {
	if (replace) history.replaceState(null, "", href);
	else history.pushState(null, "", href);
	const before = route.path;
	changed();
	if (route.path !== before) scrollTo(0, 0);
}

/* Changes parts of the query; null takes one away. */
export function setQuery(args: Record<string, string | null>, replace = true): void {
	const q = new URLSearchParams(location.search);
	for (const [k, v] of Object.entries(args))
		if (v === null || v === "") q.delete(k);
		else q.set(k, v);
	const s = q.toString();
	go(location.pathname + (s ? `?${s}` : ""), replace);
}

export function href(...parts: (string | number)[]): string {
	const last = String(parts[parts.length - 1] ?? "");
	return `/${parts.map((p) => encodeURIComponent(p)).join("/")}${last.includes(".") ? "/" : ""}`;
}

export function useRoute(): Route {
	const [r, set] = useState(route);
	useEffect(() => {
		const f = () => set(route);
		listeners.add(f);
		f();
		return () => void listeners.delete(f);
	}, []);
	return r;
}

export function startRouter(): void {
	addEventListener("popstate", changed);
	document.addEventListener("click", (e) => {
		if (e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
		const a = (e.target as Element | null)?.closest?.("a[href]") as (HTMLAnchorElement | SVGAElement) | null;
		if (!a || a.hasAttribute("download") || (a.getAttribute("target") ?? "") !== "") return;
		const to = new URL(a.getAttribute("href")!, location.href);
		if (to.origin !== location.origin || to.pathname.startsWith("/api/")) return;
		e.preventDefault();
		go(to.pathname + to.search);
	});
}
