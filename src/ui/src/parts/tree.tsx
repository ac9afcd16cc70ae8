/* The drawing of a lot's family, both ways; readable at 500 lots because what is alike is folded. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { number, quantity } from "../format";
import { t } from "../i18n";
import { go, href } from "../router";
import type { Tree } from "../types";
import { lots } from "../words/lots";
import { stateWord } from "./basic";
import { BOX_H, BOX_W, draw, pathOf, type Box } from "./layers";

const NUMBER_MAX = 20;
const short = (s: string): string => (s.length > NUMBER_MAX ? `${s.slice(0, 9)}…${s.slice(-(NUMBER_MAX - 10))}` : s);

function texts(b: Box): [string, string] {
	const first = b.lots[0]!;
	const item = first.item_name || first.item || "";
	const state = first.state && first.state !== "ok" ? stateWord(first.state) : "";
	if (!b.folded) return [short(first.number), [state, first.quantity === null ? "" : quantity(first.quantity, first.unit), item].filter(Boolean).join(" · ")];
	const known = b.lots.filter((l) => l.quantity !== null);
	const sum = known.length ? quantity(known.reduce((a, l) => a + l.quantity!, 0), first.unit) : "";
	return [t(lots.group, { item: item || first.number, n: number(b.lots.length) }), [state || stateWord(first.state ?? "unsaid"), sum, first.place ?? ""].filter(Boolean).join(" · ")];
}

/* Cuts a text to the box; Korean counts double. */
function fit(s: string, units: number): string {
	let n = 0;
	for (let i = 0; i < s.length; i++) {
		n += s.charCodeAt(i) > 0x2e80 ? 1.75 : 1;
		if (n > units) return `${s.slice(0, Math.max(1, i - 1))}…`;
	}
	return s;
}

export function TreeView({ tree, self }: { tree: Tree; self: number }) {
	const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
	const [over, setOver] = useState<Box | null>(null);
	const [find, setFind] = useState("");
	const box = useRef<HTMLDivElement>(null);
	const [room, setRoom] = useState(840);
	const last = useRef<string | null>(null);
	const d = useMemo(() => draw(tree, open, room), [tree, open, room]);
	useLayoutEffect(() => {
		const o = new ResizeObserver((e) => setRoom(Math.floor(e[0]!.contentRect.width)));
		o.observe(box.current!);
		return () => o.disconnect();
	}, []);
	const path = useMemo(() => (over && d.boxes.includes(over) ? pathOf(d, over) : null), [d, over]);
	const text = find.trim().toLowerCase();
	const hits = text ? tree.nodes.filter((n) => n.number.toLowerCase().includes(text)) : [];
	const hitBoxes = new Set(hits.map((n) => d.boxOf.get(n.id)));
	useEffect(() => {
		const me = d.boxOf.get(self), el = box.current;
		if (me && el) {
			el.scrollLeft = Math.max(0, me.x - el.clientWidth / 2 + BOX_W / 2);
			el.scrollTop = Math.max(0, me.y - el.clientHeight / 2 + BOX_H / 2);
		}
	}, [tree]);
	/* What was just unfolded stays in sight. */
	useEffect(() => {
		const key = last.current, el = box.current;
		last.current = null;
		const b = key === null ? undefined : key === "" ? d.boxOf.get(self) : d.boxes.find((x) => x.key === key || x.key.startsWith(`${key}#`));
		if (b && el && (b.y < el.scrollTop || b.y > el.scrollTop + el.clientHeight - BOX_H)) el.scrollTop = Math.max(0, b.y - 90);
	}, [open]);
	useEffect(() => {
		const b = hits[0] && d.boxOf.get(hits[0].id);
		if (b) box.current?.scrollTo({ left: Math.max(0, b.x - 120), top: Math.max(0, b.y - 120) });
	}, [find]);
	const toggle = (key: string) => {
		const next = new Set(open);
		last.current = key;
		if (!next.delete(key)) next.add(key);
		setOpen(next);
	};
	const press = (b: Box) => (b.folded && !b.key.endsWith("#rest") ? toggle(b.key) : b.folded ? undefined : b.lots[0]!.id === self ? undefined : go(href("lots", b.lots[0]!.firm, b.lots[0]!.number)));
	return (
		<>
			{(d.foldable > 0 || tree.nodes.length > 12) && (
				<div class="toolbar" style={{ marginBottom: "8px" }}>
					<input class="grow" type="search" style={{ maxWidth: "260px" }} value={find} placeholder={t(lots.findInTree)} aria-label={t(lots.findInTree)} onInput={(e) => setFind(e.currentTarget.value)} />
					{text && <small>{t(lots.found, { n: number(hits.length) })}</small>}
					{d.foldable > 0 && (
						<button
							class="btn tight"
							onClick={() => {
								last.current = "";
								setOpen(open.size ? new Set() : new Set(d.boxes.filter((b) => b.folded).map((b) => b.key)));
							}}
						>
							{t(open.size ? lots.fold : lots.unfold)}
						</button>
					)}
				</div>
			)}
			<div class="tree-box" ref={box} tabIndex={0} role="group" aria-label={t(lots.tree)}>
				<svg class={`tree${path ? " picking" : ""}`} width={d.width} height={d.height} onMouseLeave={() => setOver(null)}>
					{d.layers.map((l) => (
						<g key={l.layer}>
							<text class="layer" x={l.x + 2} y={14}>{l.layer === 0 ? t(lots.layerSelf) : t(l.layer > 0 ? lots.layerDown : lots.layerUp, { n: Math.abs(l.layer) })}</text>
							{l.group.length > 0 && (
								<text class="fold" x={l.x + BOX_W - 2} y={14} text-anchor="end" style={{ cursor: "pointer" }} onClick={() => setOpen(new Set([...open].filter((k) => !l.group.includes(k))))}>
									{t(lots.foldOne)}
								</text>
							)}
						</g>
					))}
					{d.wires.map((w) => {
						const x1 = w.from.x + BOX_W, y1 = w.from.y + BOX_H / 2, x2 = w.to.x, y2 = w.to.y + BOX_H / 2;
						const m = Math.max(22, Math.abs(x2 - x1) / 2);
						return <path key={`${w.from.key}>${w.to.key}`} class={`link-path${path?.wires.has(w) ? " on" : ""}`} stroke-width={Math.min(5, 1.1 + Math.log2(w.n) * 0.55)} d={`M${x1} ${y1}C${x1 + m} ${y1} ${x2 - m} ${y2} ${x2} ${y2}`} />;
					})}
					{d.boxes.map((b) => {
						const [a, c] = texts(b);
						const me = b.lots[0]!.id === self;
						return (
							<g
								key={b.key}
								class={`node ${b.lots[0]!.state ?? ""}${me ? " self" : ""}${path?.boxes.has(b) ? " on" : ""}${hitBoxes.has(b) ? " found" : ""}`}
								transform={`translate(${b.x + 1},${b.y + 1})`}
								tabIndex={0}
								role="link"
								aria-label={`${a}, ${c}`}
								onMouseEnter={() => setOver(b)}
								onFocus={() => setOver(b)}
								onBlur={() => setOver(null)}
								onClick={() => press(b)}
								onKeyDown={(e) => {
									if (e.key === "Enter" || e.key === " ") {
										e.preventDefault();
										press(b);
									}
								}}
							>
								<title>{`${b.folded ? a : b.lots[0]!.number}\n${c}`}</title>
								{b.folded && <rect x={4} y={4} width={BOX_W} height={BOX_H} rx={6} />}
								<rect width={BOX_W} height={BOX_H} rx={6} />
								<text class="a" x={10} y={18}>{fit(a, b.folded ? 18 : 21)}</text>
								<text class="b" x={10} y={34}>{fit(c, 23)}</text>
								{b.folded && <text class="fold" x={BOX_W - 9} y={18} text-anchor="end">+</text>}
							</g>
						);
					})}
				</svg>
			</div>
		</>
	);
}
