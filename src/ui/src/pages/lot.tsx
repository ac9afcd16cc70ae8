/* One lot: where it came from, where it went, what was done to it. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { query as q, useGet } from "../api";
import { clockText, ms, number, quantity, timeText } from "../format";
import { t, type Word } from "../i18n";
import { nowMs } from "../live";
import { copyLink, Lead, Problem, stateWord, Waiting, word } from "../parts/basic";
import { ends, isBad } from "../parts/ends";
import { TreeView } from "../parts/tree";
import { href, setQuery, useRoute } from "../router";
import type { Characteristic, LotEvent, LotFull, LotLink, Operation, Tree } from "../types";
import { frame } from "../words/frame";
import { lots } from "../words/lots";
import { LotState } from "./lots";

const TREE_MAX = 2000;
const LINKS_SHOWN = 8;
const ENDS_SAID = 2;

const eventWords: Record<string, Word> = { receipt: lots.evReceipt, shipment: lots.evShipment, move: lots.evMove, note: lots.evNote, inspection: lots.evInspection, change_4m: lots.evChange, state: lots.evState, planned_stop: lots.evPlanned };

function limits(c: Characteristic): string {
	const unit = c.unit ?? "";
	if (c.lower !== null && c.upper !== null) return t(lots.limits, { lower: number(c.lower), upper: number(c.upper), unit });
	if (c.lower !== null) return t(lots.atLeast, { lower: number(c.lower), unit });
	return c.upper !== null ? t(lots.atMost, { upper: number(c.upper), unit }) : "";
}
const judged = (c: Characteristic): boolean | null => (c.pass !== undefined && c.pass !== null ? c.pass : c.judged === 1 ? true : c.judged === 0 ? false : null);

function Timeline({ lot }: { lot: LotFull }) {
	const now = nowMs();
	type Row = { t: number; key: string; pin: string; title: ComponentChildren; more: string };
	const rows: Row[] = [];
	const one = (o: Operation) => {
		const end = o.end ? ms(o.end) : now;
		rows.push({
			t: ms(o.start),
			key: `o${o.id}`,
			pin: "op",
			title: (
				<>
					{t(lots.opOn, { machine: o.machine, step: o.step ?? "" })}{" "}
					<a class="link small" href={`${href("assets", o.machine)}${q({ from: new Date(ms(o.start) - (end - ms(o.start)) * 0.2).toISOString(), to: new Date(end + (end - ms(o.start)) * 0.2).toISOString() })}`}>{t(lots.opChart)}</a>
				</>
			),
			more: [
				o.end ? `${clockText(o.start)} ~ ${clockText(o.end)}` : "",
				o.mould && t(lots.mould, { v: o.mould }),
				o.cavity && t(lots.cavity, { v: o.cavity }),
				o.tool && t(lots.tool, { v: o.tool }),
				o.standard_version && t(lots.standard, { v: o.standard_version }),
				o.seq_first && o.seq_last ? t(lots.opCycles, { a: number(o.seq_first), b: number(o.seq_last) }) : "",
				...(["good", "rework", "scrap", "concession"] as const).map((k) => (o[k] ? `${t(lots[k])} ${number(o[k])}` : "")),
			].filter(Boolean).join(" · "),
		});
	};
	const event = (e: LotEvent) =>
		rows.push({
			t: ms(e.t),
			key: `e${e.id}`,
			pin: "",
			title: [word(eventWords, e.kind), e.text].filter(Boolean).join(" — "),
			more: [
				e.quantity === null ? "" : quantity(e.quantity, e.unit),
				e.from_place || e.to_place ? t(lots.moved, { from: e.from_place ?? "", to: e.to_place ?? "" }) : "",
				e.partner && t(lots.partner, { v: e.partner }),
				e.asset,
				e.corrects && t(lots.correction, { reason: e.reason }),
				e.corrected_by && t(lots.corrected),
			].filter(Boolean).join(" · "),
		});
	const check = (c: Characteristic) => {
		const ok = judged(c);
		rows.push({
			t: ms(c.t),
			key: `c${c.id}`,
			pin: ok === false ? "fail" : ok ? "pass" : "",
			title: (
				<>
					{c.name} {c.value !== null && <b>{quantity(c.value, c.unit)}</b>} {ok !== null && <span class={`tag ${ok ? "good" : "bad"}`}>{t(ok ? lots.pass : lots.fail)}</span>}
				</>
			),
			more: [limits(c), c.asset, c.gauge && t(lots.gauge, { v: c.gauge })].filter(Boolean).join(" · "),
		});
	};
	lot.operations.forEach(one);
	lot.events.forEach(event);
	lot.characteristics.forEach(check);
	rows.sort((a, b) => a.t - b.t);
	return (
		<section class="sheet">
			<header><h2>{t(lots.timeline)}</h2></header>
			{rows.length ? (
				<ol class="timeline">
					{rows.map((r) => (
						<li key={r.key}>
							<time>{timeText(r.t, now)}</time>
							<span class={`pin ${r.pin}`} />
							<div>
								<div>{r.title}</div>
								{r.more && <small>{r.more}</small>}
							</div>
						</li>
					))}
				</ol>
			) : (
				<p class="small">{t(lots.noTimeline)}</p>
			)}
		</section>
	);
}

function Links({ title, list }: { title: string; list: readonly LotLink[] }) {
	if (!list.length) return null;
	return (
		<section class="sheet">
			<header><h2>{title}</h2><small>{number(list.length)}</small></header>
			<table>
				<tbody>
					{list.slice(0, LINKS_SHOWN).map((l) => (
						<tr key={l.id}>
							<td><a class="link" href={href("lots", l.firm, l.number)}>{l.number}</a> <small class="dim">{l.item}</small></td>
							<td class="num">{quantity(l.quantity, l.unit)}</td>
						</tr>
					))}
				</tbody>
			</table>
			{list.length > LINKS_SHOWN && <p class="small" style={{ paddingTop: "8px" }}>{t(lots.foldMore, { n: number(list.length - LINKS_SHOWN) })}</p>}
		</section>
	);
}

export function LotPage({ firm, number: no }: { firm: string; number: string }) {
	const base = `/api/v1/lots/${encodeURIComponent(firm)}/${encodeURIComponent(no)}`;
	const got = useGet<LotFull>(base, { nouns: ["lot", "operation", "event", "characteristic"] });
	const { query } = useRoute();
	const asked = query.get("direction");
	const direction = asked === "up" || asked === "down" ? asked : "both";
	const tree = useGet<Tree>(`${base}/tree${q({ direction, limit: TREE_MAX })}`, { nouns: ["link"] });
	const counts = useMemo(() => {
		const n = tree.data?.nodes ?? [];
		const down = n.filter((x) => x.depth > 0);
		return { up: n.filter((x) => x.depth < 0).length, down: down.length, bad: down.filter(isBad).length, down_: down, ends: tree.data ? ends(tree.data) : [] };
	}, [tree.data]);
	if (!got.data) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const l = got.data;
	const { up, down, bad } = counts;
	const n = (x: number) => number(x);
	const into = counts.ends.slice(0, ENDS_SAID).map((e) => t(e.pieces ? lots.group : lots.groupLots, { item: e.item, n: n(e.lots.length) })).join(", ") + (counts.ends.length > ENDS_SAID ? ` ${t(lots.groupMore)}` : "");
	const title = !tree.data ? l.number : `${down && up ? t(lots.titleBoth, { up: n(up), into }) : down ? t(lots.titleDown, { into }) : up ? t(lots.titleUp, { up: n(up) }) : t(lots.titleAlone)}${bad ? t(lots.titleBad, { n: n(bad) }) : ""}`;
	const sum = (k: "good" | "rework" | "scrap" | "concession"): number | null => {
		const v = l.operations.map((o) => o[k]).filter((x): x is number => x !== null);
		return v.length ? v.reduce((a, b) => a + b, 0) : null;
	};
	const outcomes = (["good", "concession", "rework", "scrap"] as const).map((k) => [k, sum(k)] as const).filter(([, v]) => v !== null);
	const states = [...new Set(counts.down_.map((x) => x.state ?? "unsaid"))].map((s) => [s, counts.down_.filter((x) => (x.state ?? "unsaid") === s).length] as const).sort((a, b) => b[1] - a[1]);
	const now = nowMs();
	return (
		<>
			<Lead
				page={l.number}
				crumb={<><a href="/lots">{t(lots.crumb)}</a> › {l.item_name || l.item} <b>{l.number}</b> <span class="dim">{l.firm}</span></>}
				title={title}
				acts={<button class="btn" onClick={() => void copyLink()}>{t(frame.copyLink)}</button>}
			/>
			<div class="cols main-side">
				<div class="stack">
					<section class="sheet">
						<header>
							<h2>{t(lots.tree)}</h2>
							<span class="tabs" role="group" aria-label={t(lots.tree)}>
								{(["both", "down", "up"] as const).map((d) => (
									<button key={d} aria-pressed={direction === d} onClick={() => setQuery({ direction: d === "both" ? null : d })}>{t(lots[d])}</button>
								))}
							</span>
						</header>
						{tree.error && <Problem error={tree.error} again={tree.again} />}
						{tree.data && <TreeView key={`${direction}${l.id}`} tree={tree.data} self={l.id} />}
						{tree.data?.cut && <p class="small">{t(lots.treeCut, { n: n(tree.data.nodes.length) })}</p>}
					</section>
					<Timeline lot={l} />
				</div>
				<div class="stack">
					<section class="sheet">
						<dl class="facts">
							<dt>{t(lots.state)}</dt><dd><LotState s={l.state} /></dd>
							<dt>{t(lots.item)}</dt><dd>{l.item ? <a class="link" href={href("assets", l.item)}>{l.item_name || l.item}</a> : "–"}</dd>
							<dt>{t(lots.quantity)}</dt><dd><b>{quantity(l.quantity, l.unit)}</b></dd>
							<dt>{t(lots.place)}</dt><dd>{l.place ?? "–"}</dd>
							<dt>{t(lots.made)}</dt><dd>{timeText(l.made, now)}</dd>
							<dt>{t(lots.firm)}</dt><dd>{l.firm}</dd>
						</dl>
					</section>
					{outcomes.length > 0 && (
						<section class="sheet">
							<header><h2>{t(lots.outcome)}</h2></header>
							<dl class="facts">{outcomes.map(([k, v]) => [<dt key={`t${k}`}>{t(lots[k])}</dt>, <dd key={k}><b>{number(v)}</b></dd>])}</dl>
						</section>
					)}
					{states.length > 1 && (
						<section class="sheet">
							<header><h2>{t(lots.byState)}</h2></header>
							<dl class="facts">{states.map(([s, v]) => [<dt key={`t${s}`}>{stateWord(s)}</dt>, <dd key={s}><b>{number(v)}</b></dd>])}</dl>
						</section>
					)}
					<Links title={t(lots.parents)} list={l.parents} />
					<Links title={t(lots.children)} list={l.children} />
				</div>
			</div>
		</>
	);
}
