/* A family tree in layers: lots that are alike are folded into one box, boxes are
 * put in the order of their neighbours. Pure; drawn by tree.tsx. */
import type { Tree, TreeNode } from "../types";

export type Box = { key: string; layer: number; lots: TreeNode[]; folded: boolean; part: boolean; x: number; y: number };
export type Wire = { from: Box; to: Box; n: number };
export type Drawing = { boxes: Box[]; wires: Wire[]; layers: { layer: number; x: number; group: string[] }[]; width: number; height: number; boxOf: Map<number, Box>; foldable: number };

export const BOX_W = 146, BOX_H = 42;
const GAP_MIN = 30, GAP_MAX = 84, GAP_Y = 12, TOP = 30;
const FOLD_FROM = 4; /* as many alike are folded */
const SMALL = 26, SMALL_TALL = 12; /* a tree so small, and no column of it taller, is drawn whole */
const SHOWN_MAX = 400; /* boxes of an unfolded group */

/* How far from the start, the long way round, so that links lead from left to right. Cycles are cut by the number of lots. */
function layersOf(t: Tree): Map<number, number> {
	const layer = new Map(t.nodes.map((n) => [n.id, n.depth]));
	const side = new Map(t.nodes.map((n) => [n.id, Math.sign(n.depth)]));
	for (const dir of [1, -1]) {
		const next = new Map<number, number[]>();
		for (const l of t.links) {
			const [a, b] = dir > 0 ? [l.parent, l.child] : [l.child, l.parent];
			if (side.get(b) !== dir || (side.get(a) !== dir && side.get(a) !== 0)) continue;
			const list = next.get(a);
			if (list) list.push(b);
			else next.set(a, [b]);
		}
		let at = t.nodes.filter((n) => side.get(n.id) === 0).map((n) => n.id);
		for (let turn = 1; at.length && turn <= 60; turn++) {
			const moved = new Set<number>();
			for (const a of at)
				for (const b of next.get(a) ?? [])
					if (Math.abs(layer.get(b)!) < turn || layer.get(b) === dir * turn) {
						layer.set(b, dir * Math.max(turn, Math.abs(layer.get(b)!)));
						moved.add(b);
					}
			at = [...moved];
		}
	}
	return layer;
}

/* room: pixels to spread the layers over where they fit. */
export function draw(t: Tree, open: ReadonlySet<string>, room: number): Drawing {
	const layer = layersOf(t);
	const columns = new Map<number, number>();
	layer.forEach((l) => columns.set(l, (columns.get(l) ?? 0) + 1));
	const small = t.nodes.length <= SMALL && Math.max(...columns.values()) <= SMALL_TALL;
	const groups = new Map<string, TreeNode[]>();
	for (const n of t.nodes) {
		const l = layer.get(n.id)!;
		const key = l === 0 ? `self${n.id}` : `${l}|${n.item ?? ""}|${n.state ?? ""}|${n.place ?? ""}`;
		const g = groups.get(key);
		if (g) g.push(n);
		else groups.set(key, [n]);
	}
	const boxes: Box[] = [];
	const boxOf = new Map<number, Box>();
	const put = (key: string, l: number, lots: TreeNode[], folded: boolean, part: boolean) => {
		const b: Box = { key, layer: l, lots, folded, part, x: 0, y: 0 };
		boxes.push(b);
		lots.forEach((n) => boxOf.set(n.id, b));
	};
	let foldable = 0;
	for (const [key, lots] of groups) {
		const l = layer.get(lots[0]!.id)!;
		const big = lots.length >= FOLD_FROM && !small;
		if (big) foldable++;
		if (big && !open.has(key)) {
			put(key, l, lots, true, false);
			continue;
		}
		lots.slice(0, SHOWN_MAX).forEach((n, i) => put(`${key}#${n.id}`, l, [n], false, big && i === 0));
		if (lots.length > SHOWN_MAX) put(`${key}#rest`, l, lots.slice(SHOWN_MAX), true, false);
	}
	const wires = new Map<string, Wire>();
	for (const k of t.links) {
		const from = boxOf.get(k.parent), to = boxOf.get(k.child);
		if (!from || !to || from === to) continue;
		const id = `${from.key}>${to.key}`;
		const w = wires.get(id);
		if (w) w.n++;
		else wires.set(id, { from, to, n: 1 });
	}
	/* Order within a layer: the mean place of the neighbours towards the start, then those away from it, a few times. */
	const present = [...new Set(boxes.map((b) => b.layer))].sort((a, b) => a - b);
	const rows = new Map(present.map((l) => [l, boxes.filter((b) => b.layer === l)]));
	const near = new Map<Box, Box[]>(boxes.map((b) => [b, []]));
	for (const w of wires.values()) {
		near.get(w.from)!.push(w.to);
		near.get(w.to)!.push(w.from);
	}
	const place = new Map<Box, number>();
	const renumber = (list: Box[]) => list.forEach((b, i) => place.set(b, (i + 0.5) / list.length));
	rows.forEach(renumber);
	const sweep = (order: number[]) => {
		for (const l of order) {
			const list = rows.get(l)!;
			const mean = new Map(
				list.map((b) => {
					const n = near.get(b)!;
					return [b, n.length ? n.reduce((a, x) => a + place.get(x)!, 0) / n.length : place.get(b)!];
				}),
			);
			list.sort((a, b) => mean.get(a)! - mean.get(b)! || (a.key < b.key ? -1 : 1));
			renumber(list);
		}
	};
	for (let i = 0; i < 3; i++) {
		sweep(present);
		sweep([...present].reverse());
	}
	const tall = Math.max(...[...rows.values()].map((r) => r.length));
	const height = Math.max(140, TOP + tall * (BOX_H + GAP_Y));
	const gap = Math.min(GAP_MAX, Math.max(GAP_MIN, (room - 8 - present.length * BOX_W) / Math.max(1, present.length - 1)));
	const layers = present.map((l, i) => {
		const list = rows.get(l)!, x = i * (BOX_W + gap);
		const used = list.length * (BOX_H + GAP_Y) - GAP_Y;
		/* A column stands around the middle of what it comes from where there is room. */
		let y = TOP + Math.max(0, (height - TOP - used) / 2);
		for (const b of list) {
			b.x = x;
			b.y = y;
			y += BOX_H + GAP_Y;
		}
		return { layer: l, x, group: [...groups.keys()].filter((k) => k.startsWith(`${l}|`) && open.has(k)) };
	});
	return { boxes, wires: [...wires.values()], layers, width: present.length * (BOX_W + gap) - gap + 8, height: height + 2, boxOf, foldable };
}

/* All boxes and wires that lead to or from one. */
export function pathOf(d: Drawing, start: Box): { boxes: Set<Box>; wires: Set<Wire> } {
	const boxes = new Set<Box>([start]), wires = new Set<Wire>();
	for (const forward of [true, false]) {
		let at = [start];
		const seen = new Set<Box>(at);
		while (at.length) {
			const next: Box[] = [];
			for (const w of d.wires) {
				const [a, b] = forward ? [w.from, w.to] : [w.to, w.from];
				if (!at.includes(a)) continue;
				wires.add(w);
				if (!seen.has(b)) {
					seen.add(b);
					boxes.add(b);
					next.push(b);
				}
			}
			at = next;
		}
	}
	return { boxes, wires };
}
