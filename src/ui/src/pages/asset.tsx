/* One machine: what it is doing, its signals live, their charts over years. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { query as q, useGet, type ApiError } from "../api";
import { clockText, duration, isoLocal, ms, number, reading, timeText, whenText, zoneName } from "../format";
import { t } from "../i18n";
import { useNow, useStale, useTopics, useValue } from "../live";
import { copyLink, Empty, Lead, machineLook, note, Problem, QualityTag, State, stateWord, Waiting } from "../parts/basic";
import { Band } from "../parts/bands";
import { ChartView, dots, type Mark } from "../parts/chart";
import { extentOf, isRows, rangeQuery } from "../parts/series";
import { csvOf, download } from "../parts/csv";
import { useRange } from "../parts/range";
import { RangeBar } from "../parts/rangebar";
import { caseSeen } from "../parts/seen";
import { go, href, setQuery, useRoute } from "../router";
import type { Asset, Case, Interval, List, Operation, Signal, Value } from "../types";
import { assets } from "../words/assets";
import { cases } from "../words/cases";
import { chart } from "../words/chart";
import { frame } from "../words/frame";
import { today } from "../words/today";
import { CaseItem } from "./today";

const PICKED_MAX = 6;
const STATES_RANGE_MAX = 100 * 86_400_000;

/* /series/ID leads to the machine with that signal's chart. */
export function SeriesPage({ id }: { id: string }) {
	const got = useGet<Signal>(`/api/v1/series/${encodeURIComponent(id)}`);
	useEffect(() => {
		if (got.data) go(`${href("assets", got.data.asset)}?s=${got.data.id}`, true);
	}, [got.data]);
	return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
}

function SignalRow({ s, stale, dot, picked, onPick }: { s: Signal; stale: boolean; dot: string | null; picked: boolean; onPick: () => void }) {
	const live = useValue(s.id);
	const now = useNow();
	const value: Value = live ? live.v : (s.last?.value ?? null);
	const at = live ? live.t_ms : s.last?.t ? ms(s.last.t) : null;
	const quality = live ? live.q : (s.last?.quality ?? null);
	return (
		<button class={`sig${stale ? " stale" : ""}`} aria-pressed={picked} onClick={onPick} style={dot ? { "--dot": `var(${dot})` } : undefined} title={at === null ? t(assets.never) : timeText(at, now, true)}>
			<span class="dot" />
			<span class="name">{s.label || s.name}</span>
			<span class={`val live${s.type === "string" ? " str" : ""}`}><QualityTag q={quality} /><b>{reading(value, s.type)}</b>{s.unit && <small>{s.unit}</small>}</span>
			{stale && at !== null && <span class="more dim">{t(assets.staleSince, { t: whenText(at, now) })}</span>}
		</button>
	);
}

function Texts({ s, from, to }: { s: Signal; from: string; to: string }) {
	const got = useGet<{ t_ms: number[]; seq: number[] | null; v: Value[] }>(`/api/v1/series/${s.id}/values${q({ from, to, limit: 30, order: "desc" })}`);
	return (
		<div class="chart">
			<div class="cap"><b>{s.label || s.name}</b><small>{t(chart.values)}</small></div>
			{got.error && <Problem error={got.error} />}
			<table>
				<tbody>
					{(got.data?.t_ms ?? []).map((x, i) => (
						<tr key={`${x}.${i}`}>
							<td class="nowrap"><small>{timeText(x, undefined, true)}</small></td>
							<td>{reading(got.data!.v[i] ?? null, s.type)}</td>
							<td class="num">{got.data!.seq?.[i] ? <small>{t(assets.cycleNo, { n: number(got.data!.seq[i]) })}</small> : null}</td>
						</tr>
					))}
				</tbody>
			</table>
			{got.data && !got.data.t_ms.length && <p class="small">{t(chart.none)}</p>}
		</div>
	);
}

function CsvButton({ s, from, to, rows }: { s: Signal; from: string; to: string; rows: boolean }) {
	const [n, setN] = useState<number | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const make = () => {
		setN(0);
		setError(null);
		const head = [rows ? t(chart.row) : t(chart.csvTime, { zone: zoneName() }), t(chart.csvCycle), s.label || s.name, t(chart.csvUnit), t(chart.csvQuality)];
		csvOf(s, from, to, head, rows ? (x) => String(Math.round(x * 1e6)) : isoLocal, setN).then(
			(r) => {
				download(r.blob, `${s.asset}-${s.name}-${from.slice(0, 10)}.csv`);
				if (r.cut) note(t(chart.csvCut, { n: number(r.rows) }));
				setN(null);
			},
			(e: ApiError) => {
				setN(null);
				setError(e);
			},
		);
	};
	return (
		<>
			<p class="chart-foot">
				<button class="link small" disabled={n !== null} onClick={make} title={t(chart.csvTitle)}>{n === null ? t(chart.csv) : t(chart.csvBusy, { n: number(n) })}</button>
			</p>
			{error && <Problem error={error} />}
		</>
	);
}

function useStates(code: string, range: { from: number; to: number }, wanted: boolean): Interval[] {
	/* Asked for in whole steps, so that a window that moves with the clock does not ask at each redraw. */
	const step = Math.max(10_000, (range.to - range.from) / 100);
	const from = Math.floor(range.from / step) * step, to = Math.ceil(range.to / step) * step;
	const got = useGet<{ items: Interval[] }>(wanted && range.to - range.from < STATES_RANGE_MAX ? `/api/v1/assets/${encodeURIComponent(code)}/states${q(rangeQuery({ from, to }, false))}` : null);
	const last = useRef<Interval[]>([]);
	if (got.data) last.current = got.data.items;
	return wanted ? last.current : [];
}

export function AssetPage({ code }: { code: string }) {
	const enc = encodeURIComponent(code);
	const asset = useGet<Asset>(`/api/v1/assets/${enc}`, { nouns: ["state"], every: 10_000 });
	const signals = useGet<List<Signal>>(`/api/v1/signals?asset=${enc}&limit=1000`, { nouns: ["signal"], every: 30_000 });
	const open = useGet<List<Case>>(`/api/v1/cases?asset=${enc}&limit=20`, { nouns: ["case"] });
	const { query } = useRoute();
	const now = useNow();
	const list = signals.data?.items ?? [];
	const byId = useMemo(() => new Map(list.map((s) => [s.id, s])), [signals.data]);
	const liveCases = (open.data?.items ?? []).filter((c) => c.state !== "closed" && c.state !== "done");
	const shift = liveCases.find((c) => c.kind === "level_shift" && !c.end && byId.has(c.evidence?.series ?? ""));
	const asked = (query.get("s") ?? "").split(",").filter((id) => byId.has(id));
	const first = list.find((s) => s.kind === "sequence" && s.type !== "string") ?? list.find((s) => s.type === "float") ?? list.find((s) => s.type !== "string");
	const picked = query.has("s") ? asked : shift ? [shift.evidence!.series!] : first ? [first.id] : [];
	const shown = picked.map((id) => byId.get(id)!).filter(Boolean);
	const head = shown[0];
	const whole = useGet<Signal>(head ? `/api/v1/series/${head.id}` : null);
	const rows = whole.data !== null && isRows(whole.data);
	const extent = useMemo(() => (whole.data ? extentOf(whole.data) : null), [whole.data]);
	const range = useRange(extent, rows);
	const deviceStale = useStale(code);
	const stale = deviceStale ?? asset.data?.stale ?? false;
	const isMachine = asset.data?.kind === "machine";
	const states = useStates(code, range.range, isMachine && !rows);
	useTopics(useMemo(() => list.map((s) => s.id), [signals.data]));
	/* A stop is marked on every chart, a shift on its own signal's. */
	const marks = useMemo<(Mark & { series: string | null })[]>(() => liveCases.filter((c) => c.kind === "level_shift" || c.kind === "stop").map((c) => ({ series: c.kind === "stop" ? null : (c.evidence?.series ?? ""), t: ms(c.begin), text: t(c.kind === "stop" ? cases.stopLine : cases.beginLine, { t: clockText(c.begin) }), look: c.kind === "stop" ? "stop" : "wait" })), [open.data]);
	const marksOf = useMemo(() => new Map(picked.map((id) => [id, rows ? [] : marks.filter((m) => m.series === null || m.series === id)])), [marks, picked.join(), rows]);
	const error: ApiError | null = asset.error ?? signals.error;
	if (!asset.data || !signals.data) return error ? <section class="sheet"><Problem error={error} again={asset.again} /></section> : <Waiting />;
	const a = asset.data;
	const name = a.name || a.code;
	const toggle = (id: string) => setQuery({ s: picked.includes(id) ? picked.filter((x) => x !== id).join() || "-" : [...picked, id].slice(-PICKED_MAX).join() });
	const groups: [string, Signal[]][] = [
		[t(assets.perCycle), list.filter((s) => s.kind === "sequence" && s.type !== "string")],
		[t(assets.byClock), list.filter((s) => s.kind === "clock" && s.type !== "string")],
		[t(assets.texts), list.filter((s) => s.type === "string")],
	];
	const since = a.since ? duration(now - ms(a.since)) : "";
	let title = t(assets.nowPlain, { n: list.length }), more = "";
	if (a.state === "stopped") {
		title = t(assets.nowStopped, { d: since });
		more = t(assets.nowStoppedMore, { t: whenText(a.since, now) });
	} else if (stale || (a.state === "no_data" && isMachine && a.since)) {
		title = t(assets.nowNoData);
		more = a.since ? t(assets.sinceTime, { t: whenText(a.since, now) }) : "";
	} else if (shift) {
		title = t(assets.nowShift, { signal: byId.get(shift.evidence!.series!)?.label, t: whenText(shift.begin, now), seen: caseSeen(shift) });
	} else if (a.state === "running") title = t(assets.nowRunning, { d: since });
	else if (a.state === "waiting") title = t(assets.nowWaiting, { d: since });
	else if (a.state === "planned") title = t(assets.nowPlanned);
	else if (extent && !rows) more = t(assets.history, { from: timeText(extent.first, now), to: timeText(extent.last, now) });
	/* A machine that sends by itself has no connection to lose: what it no longer sends is its silence. */
	const silent = isMachine && a.state === "no_data" && a.since !== null && a.since !== undefined;
	const height = shown.length <= 1 ? 320 : shown.length === 2 ? 220 : 160;
	return (
		<>
			<Lead
				page={name}
				crumb={<><a href="/assets">{t(assets.crumb)}</a> › {name}{name !== a.code && <span class="dim"> {a.code}</span>}</>}
				title={title}
				acts={<button class="btn" onClick={() => void copyLink()}>{t(frame.copyLink)}</button>}
			>
				{more}
			</Lead>
			{!list.length ? (
				<Empty
					title={t(assets.noSignals)}
					acts={
						<>
							<a class="btn go" href="/settings/devices">{t(today.emptyDevice)}</a>
							<a class="btn" href="/imports">{t(today.emptyImport)}</a>
						</>
					}
				>
					{t(assets.noSignalsMore)}
				</Empty>
			) : (
				<div class="cols asset-cols">
					<div class="stack">
						<section class="sheet">
							<RangeBar shown={range} rows={rows} />
							{!shown.length && <p class="wait-line">{t(assets.pickOne)}</p>}
							{shown.map((s, i) =>
								s.type === "string" ? (
									<Texts key={s.id} s={s} {...rangeQuery(range.range, rows)} />
								) : extent || whole.data || whole.error ? (
									<div key={s.id}>
										<ChartView signal={s} range={range.range} follow={range.follow && !stale && !silent} rows={rows} dot={dots[i % dots.length]!} height={height} states={states} marks={marksOf.get(s.id) ?? []} extent={extent} onRange={range.set} onBack={range.back} />
										<CsvButton s={s} {...rangeQuery(range.range, rows)} rows={rows} />
									</div>
								) : null,
							)}
							{states.length > 0 && (
								<>
									<div class="strip-cap"><span>{t(chart.states)}</span></div>
									<div style={{ paddingLeft: "56px", paddingRight: "6px" }}>
										<Band items={states} from={range.range.from} to={range.range.to} label={t(chart.states)} />
									</div>
								</>
							)}
						</section>
						{(open.data?.items.length ?? 0) > 0 && (
							<section class="sheet">
								<header><h2>{t(assets.casesHere)}</h2></header>
								<ul class="case-list">
									{open.data!.items.slice(0, 5).map((c) => (
										<CaseItem key={c.id} c={c} names={byId} />
									))}
								</ul>
							</section>
						)}
						{isMachine && <Operations code={code} now={now} />}
					</div>
					<section class="sheet">
						<header>
							<h2>{t(assets.signals)}</h2>
							{isMachine && (stale || a.since) && <State look={stale ? "none" : machineLook[a.state ?? "no_data"]!}>{stateWord(stale ? "stale" : (a.state ?? "no_data"))}</State>}
						</header>
						{groups
							.filter(([, g]) => g.length)
							.map(([title_, g]) => (
								<div key={title_} class="sig-group">
									<h3>{title_}<span class="dim">{g.length}</span></h3>
									{g.map((s) => (
										<SignalRow key={s.id} s={s} stale={stale || silent || (deviceStale === undefined && s.stale)} picked={picked.includes(s.id)} dot={picked.includes(s.id) ? dots[picked.indexOf(s.id) % dots.length]! : null} onPick={() => toggle(s.id)} />
									))}
								</div>
							))}
						<p class="small dim" style={{ marginTop: "12px" }}>{t(assets.signalsHint)}</p>
					</section>
				</div>
			)}
		</>
	);
}

const OPERATIONS_BACK_MS = 12 * 3_600_000;
function Operations({ code, now }: { code: string; now: number }) {
	const from = useMemo(() => new Date(now - OPERATIONS_BACK_MS).toISOString(), [Math.floor(now / 600_000)]);
	const got = useGet<List<Operation & { lot: { firm: string; number: string } | null }>>(`/api/v1/operations${q({ machine: code, from, limit: 1000 })}`, { nouns: ["operation"] });
	const list = [...(got.data?.items ?? [])].sort((a, b) => ms(b.start) - ms(a.start)).slice(0, 8);
	if (!list.length) return null;
	return (
		<section class="sheet">
			<header><h2>{t(assets.lotsHere)}</h2></header>
			<table>
				<tbody>
					{list.map((o) => (
						<tr key={o.id}>
							<td>{o.lot ? <a class="link" href={href("lots", o.lot.firm, o.lot.number)}>{o.lot.number}</a> : o.ref}</td>
							<td><small>{t(assets.opLine, { step: o.step ?? "", from: whenText(o.start, now), to: o.end ? clockText(o.end) : t(assets.opOpen) })}</small></td>
							<td class="num">{o.good !== null ? t(assets.good, { n: number(o.good) }) : ""}</td>
						</tr>
					))}
				</tbody>
			</table>
		</section>
	);
}
