/* Where a lot ended up: the last lots of its family, by item, the farthest first. */
import type { Tree, TreeNode } from "../types";

export type End = { item: string; lots: TreeNode[]; pieces: boolean }; /* pieces: each lot is one piece */

export function ends(t: Tree): End[] {
	const goesOn = new Set(t.links.map((l) => l.parent));
	const byItem = new Map<string, TreeNode[]>();
	for (const n of t.nodes) {
		if (n.depth <= 0 || goesOn.has(n.id)) continue;
		const item = n.item_name || n.item || "";
		byItem.set(item, [...(byItem.get(item) ?? []), n]);
	}
	const depth = (l: readonly TreeNode[]): number => Math.max(...l.map((n) => n.depth));
	return [...byItem]
		.map(([item, lots]) => ({ item, lots, pieces: lots.every((n) => n.quantity === 1) }))
		.sort((a, b) => depth(b.lots) - depth(a.lots) || b.lots.length - a.lots.length);
}
export const isBad = (n: TreeNode): boolean => n.state === "scrapped" || n.state === "on_hold" || n.state === "quarantined";
