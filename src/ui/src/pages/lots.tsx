/* Lots: search and list, newest first. */
import { useEffect, useState } from "preact/hooks";
import { get, query as q, useGet, type ApiError } from "../api";
import { ms, quantity, whenText } from "../format";
import { t } from "../i18n";
import { nowMs } from "../live";
import { Empty, Lead, lotLook, Problem, State, stateWord, Waiting } from "../parts/basic";
import { go, href, setQuery, useRoute } from "../router";
import type { Asset, List, Lot } from "../types";
import { frame } from "../words/frame";
import { lots } from "../words/lots";

export const lotStates = ["ok", "on_hold", "quarantined", "concession", "rework", "scrapped", "shipped"] as const;
const PAGE = 100;

export function LotState({ s }: { s: string | null }) {
	return <State look={lotLook[s ?? ""] ?? "none"}>{stateWord(s ?? "unsaid")}</State>;
}

export function LotsPage() {
	const { query } = useRoute();
	const text = query.get("q") ?? "", item = query.get("item") ?? "", state = query.get("state") ?? "";
	const path = `/api/v1/lots${q({ q: text, item, state, limit: PAGE })}`;
	const got = useGet<List<Lot>>(path, { nouns: ["lot"] });
	const items = useGet<List<Asset>>("/api/v1/assets?kind=item&limit=1000");
	const [more, setMore] = useState<{ path: string; items: Lot[]; next: string | null } | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const [typed, setTyped] = useState(text);
	useEffect(() => setTyped(text), [text]);
	useEffect(() => {
		if (typed === text) return;
		const id = setTimeout(() => setQuery({ q: typed }), 150);
		return () => clearTimeout(id);
	}, [typed]);
	const extra = more && more.path === path ? more : null;
	const list = [...(got.data?.items ?? []), ...(extra?.items ?? [])];
	const next = extra ? extra.next : (got.data?.next ?? null);
	const now = nowMs();
	const asked = text || item || state;
	if (got.data && !list.length && !asked)
		return <Empty title={t(lots.none)} acts={<a class="btn go" href="/settings">{t(frame.settings)}</a>}>{t(lots.noneMore)}</Empty>;
	return (
		<>
			<Lead page={t(frame.lots)} title={t(lots.lead)}>{t(lots.leadMore)}</Lead>
			<div class="toolbar">
				<input class="grow" type="search" value={typed} placeholder={t(lots.find)} aria-label={t(lots.find)} onInput={(e) => setTyped(e.currentTarget.value)} />
				<select style={{ width: "auto", maxWidth: "100%" }} value={item} aria-label={t(lots.item)} onChange={(e) => setQuery({ item: e.currentTarget.value })}>
					<option value="">{t(lots.allItems)}</option>
					{(items.data?.items ?? []).map((a) => (
						<option key={a.code} value={a.code}>{a.name || a.code}</option>
					))}
				</select>
				<span class="tabs" role="group" aria-label={t(lots.state)}>
					<button aria-pressed={!state} onClick={() => setQuery({ state: null })}>{t(frame.all)}</button>
					{lotStates.map((s) => (
						<button key={s} aria-pressed={state === s} onClick={() => setQuery({ state: s })}>{stateWord(s)}</button>
					))}
				</span>
			</div>
			{got.error && <section class="sheet"><Problem error={got.error} again={got.again} /></section>}
			{!got.data && !got.error && <Waiting />}
			{got.data && (
				<section class="sheet">
					{list.length ? (
						<table class="cards-phone">
							<thead>
								<tr>
									<th>{t(lots.number)}</th>
									<th>{t(lots.item)}</th>
									<th>{t(lots.state)}</th>
									<th>{t(lots.place)}</th>
									<th class="num">{t(lots.quantity)}</th>
									<th class="num">{t(lots.made)}</th>
								</tr>
							</thead>
							<tbody>
								{list.map((l) => (
									<tr key={l.id} class="go-row" onClick={(e) => !(e.target as Element).closest("a") && go(href("lots", l.firm, l.number))}>
										<td><a class="strong" href={href("lots", l.firm, l.number)}>{l.number}</a> <small class="dim">{l.firm}</small></td>
										<td class="off-phone">{l.item_name || l.item}</td>
										<td><LotState s={l.state} /></td>
										<td class="off-phone">{l.place}</td>
										<td class="num off-phone">{quantity(l.quantity, l.unit)}</td>
										<td class="num off-phone"><small>{l.made ? whenText(ms(l.made), now) : ""}</small></td>
										<td class="wide only-phone"><small>{[l.item_name || l.item, l.quantity === null ? "" : quantity(l.quantity, l.unit), l.place].filter(Boolean).join(" · ")}</small></td>
									</tr>
								))}
							</tbody>
						</table>
					) : (
						<p class="small">{t(lots.nothing)}</p>
					)}
					{error && <Problem error={error} />}
					{next !== null && (
						<p style={{ textAlign: "center", marginTop: "12px" }}>
							<button
								class="btn"
								onClick={() =>
									get<List<Lot>>(`${path}&cursor=${encodeURIComponent(next)}`).then(
										(r) => setMore({ path, items: [...(extra?.items ?? []), ...r.items], next: r.next }),
										(e: ApiError) => setError(e),
									)
								}
							>
								{t(frame.more)}
							</button>
						</p>
					)}
				</section>
			)}
		</>
	);
}
