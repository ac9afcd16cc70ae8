/* CSV of a signal over a range, read page by page: byte order mark, CR LF, and no cell that a spreadsheet runs as a formula. */
import { get, query } from "../api";
import type { Signal, Value } from "../types";

const PAGE = 10_000;
export const CSV_ROWS_MAX = 1_000_000; /* what spreadsheets take */

type Page = { t_ms: number[]; seq: number[] | null; v: Value[]; q: (string | number)[] | null; next: string | null };

function cell(v: unknown): string {
	if (v === null || v === undefined) return "";
	let s = String(v);
	if (typeof v === "string" && /^[=+\-@\t\r]/.test(s)) s = `'${s}`;
	return /[",\r\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
}

/* local: the time as people read it. onRows is told how far it is. */
export async function csvOf(s: Signal, from: string, to: string, head: readonly string[], local: (ms: number) => string, onRows: (n: number) => void): Promise<{ blob: Blob; rows: number; cut: boolean }> {
	const parts: string[] = ["\ufeff", `${head.map(cell).join()}\r\n`];
	let cursor: string | null = null, rows = 0;
	do {
		const p: Page = await get(`/api/v1/series/${s.id}/values${query({ from, to, limit: PAGE, cursor })}`);
		const lines = p.t_ms.map((t, i) => [local(t), p.seq?.[i] ?? "", p.v[i], s.unit, p.q?.[i] ?? "good"].map(cell).join());
		if (lines.length) parts.push(`${lines.join("\r\n")}\r\n`);
		rows += lines.length;
		onRows(rows);
		cursor = p.next;
	} while (cursor !== null && rows < CSV_ROWS_MAX);
	return { blob: new Blob(parts, { type: "text/csv;charset=utf-8" }), rows, cut: cursor !== null };
}

export function download(blob: Blob, name: string): void {
	const a = document.createElement("a");
	a.href = URL.createObjectURL(blob);
	a.download = name;
	document.body.append(a);
	a.click();
	a.remove();
	setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
