/* Light, dark, or as the system says. Charts ask for colours by name. */
import { useEffect, useState } from "preact/hooks";
import { keep, recall } from "./i18n";

export type Theme = "auto" | "light" | "dark";
const media = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let theme: Theme = (["light", "dark"] as const).find((x) => x === recall("moru.theme")) ?? "auto";

export function setTheme(next: Theme): void {
	theme = next;
	keep("moru.theme", next);
	if (next === "auto") delete document.documentElement.dataset.theme;
	else document.documentElement.dataset.theme = next;
	listeners.forEach((f) => f());
}
media.addEventListener("change", () => listeners.forEach((f) => f()));

const dark = (): boolean => (theme === "auto" ? media.matches : theme === "dark");

export function useTheme(): { theme: Theme; dark: boolean } {
	const [, set] = useState(0);
	useEffect(() => {
		const f = () => set((n) => n + 1);
		listeners.add(f);
		return () => void listeners.delete(f);
	}, []);
	return { theme, dark: dark() };
}

export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
