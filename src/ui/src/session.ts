/* Who is logged in, and whether somebody has to. The cookie is the browser's own and out of the page's sight; what the page keeps is the text that
 * it sends in X-Moru-CSRF with every change. */
import { useEffect, useState } from "preact/hooks";
import type { Session } from "./types";

let session: Session | null = null;
let needed = false;
const listeners = new Set<() => void>();
const tell = (): void => listeners.forEach((f) => f());

export function setSession(s: Session | null): void {
	session = s;
	if (s) needed = false;
	tell();
}
/* The node answered 401: what stands in the address bar is drawn again after the login. */
export function needLogin(): void {
	if (needed) return;
	needed = true;
	session = null;
	tell();
}
export const csrf = (): Record<string, string> => (session?.csrf ? { "X-Moru-CSRF": session.csrf } : {});
/* Before the node has said anything everything is shown: it decides, not the page. */
export const may = (permission: string): boolean => session === null || session.permissions.includes(permission);

export function useSession(): { session: Session | null; needed: boolean } {
	const [s, set] = useState({ session, needed });
	useEffect(() => {
		const f = () => set({ session, needed });
		listeners.add(f);
		f();
		return () => void listeners.delete(f);
	}, []);
	return s;
}
