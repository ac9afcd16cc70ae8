/* One case: evidence, the signal around its begin, what became of it. */
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { post, useGet, type ApiError } from "../api";
import { clockText, duration, ms, number, rounded, timeText, whenText } from "../format";
import { t, type Word } from "../i18n";
import { nowMs, useNow } from "../live";
import { caseLook, copyLink, Lead, note, Problem, State, stateWord, Waiting } from "../parts/basic";
import { Band } from "../parts/bands";
import { ChartView, type Mark } from "../parts/chart";
import type { Range } from "../parts/series";
import { useRange } from "../parts/range";
import { RangeBar } from "../parts/rangebar";
import { caseChart, caseSeen, caseTitle, kindWord, levels, stopKindWord } from "../parts/seen";
import { href } from "../router";
import type { Case, CaseState, Interval, Signal } from "../types";
import { cases } from "../words/cases";
import { chart } from "../words/chart";
import { frame } from "../words/frame";

const moves: Record<CaseState, [CaseState, Word][]> = {
	open: [["seen", cases.toSeen], ["in_work", cases.toWork]],
	seen: [["in_work", cases.toWork], ["done", cases.toDone]],
	in_work: [["done", cases.toDone], ["open", cases.toOpen]],
	done: [["closed", cases.toClosed], ["open", cases.toOpen]],
	closed: [] /* final: what is seen again is a new case */,
};

function Facts({ c, signal }: { c: Case; signal: Signal | null }) {
	const e = c.evidence ?? {};
	const now = nowMs();
	const rows: [string, ComponentChildren][] = [];
	const add = (w: Word, v: ComponentChildren) => rows.push([t(w), v]);
	add(cases.asset, <a class="link" href={href("assets", c.asset)}>{c.asset_name}</a>);
	add(cases.begin, timeText(c.begin, now, true));
	add(cases.end, c.end ? `${timeText(c.end, now, true)} · ${t(cases.lasted, { d: duration(ms(c.end) - ms(c.begin)) })}` : t(cases.lasting));
	add(cases.raised, `${whenText(c.raised, ms(c.begin), true)} · ${t(cases.raisedAfter, { d: duration(ms(c.raised) - ms(c.begin)) })}`);
	if (c.lot) add(cases.lot, <a class="link" href={href("lots", c.lot.firm, c.lot.number)}>{c.lot.number}</a>);
	if (c.kind === "level_shift") {
		const l = levels(e.before, e.after), unit = e.unit || signal?.unit || "";
		add(cases.before, `${l.before} ${unit}`);
		add(cases.after, <b>{`${l.after} ${unit}`}</b>);
		if (e.noise !== undefined) add(cases.noise, `${number(e.noise)} ${unit}`);
		if (e.strength !== undefined) add(cases.strength, t(cases.strengthValue, { n: rounded(Math.abs(e.strength), 1) }));
		if (e.samples !== undefined) add(cases.samples, t(cases.samplesValue, { n: number(e.samples) }));
		if (e.begin_seq) add(cases.cycle, number(e.begin_seq));
		if (e.group) add(cases.group, e.group);
	} else if (c.kind === "stop") {
		add(cases.stopKind, stopKindWord(e.kind));
		add(cases.alarm, e.alarm ? number(e.alarm) : t(cases.noAlarm));
	} else if (c.kind === "late_data" || c.kind === "missing_data") {
		if (e.source) add(cases.source, e.source);
		if (e.from) add(cases.dataRange, `${timeText(e.from, now)} ~ ${e.to ? whenText(e.to, ms(e.from)) : ""}`);
		if (e.arrived_from) add(cases.arrivedRange, `${timeText(e.arrived_from, now)} ~ ${e.arrived_to ? whenText(e.arrived_to, ms(e.arrived_from)) : ""}`);
		if (e.late) add(cases.lateCount, number(e.late));
	} else for (const [k, v] of Object.entries(e)) rows.push([k, String(v)]);
	return (
		<dl class="facts">
			{rows.map(([k, v]) => [<dt key={`t${k}`}>{k}</dt>, <dd key={k}>{v}</dd>])}
		</dl>
	);
}

/* The window in which the begin can be judged: before it as much as after it, but not years. */
function around(c: Case): Range {
	const b = ms(c.begin), e = c.end ? ms(c.end) : nowMs();
	const span = Math.min(12 * 3_600_000, Math.max(3_600_000, e - b));
	return { from: b - span, to: Math.min(nowMs(), Math.max(b + span, c.end ? e + span * 0.3 : 0)) };
}

function Around({ c, signal }: { c: Case; signal: Signal | null }) {
	const first = useMemo(() => around(c), [c.id]);
	const extent = useMemo(() => ({ first: first.from, last: Math.max(first.to, nowMs() - 1000) }), [first]);
	const r = useRange(extent, false);
	/* Until a person zooms, the window around the begin holds. */
	const own = r.span !== null && !location.search.includes("span=");
	const range = own ? first : r.range;
	const states = useGet<{ items: Interval[] }>(`/api/v1/assets/${encodeURIComponent(c.asset)}/states?from=${new Date(Math.floor(range.from / 60_000) * 60_000).toISOString()}&to=${new Date(Math.ceil(range.to / 60_000) * 60_000).toISOString()}`);
	const marks: Mark[] = [{ t: ms(c.begin), text: t(c.kind === "stop" ? cases.stopLine : cases.beginLine, { t: clockText(c.begin) }), look: c.kind === "stop" ? "stop" : "wait" }];
	const items = states.data?.items ?? [];
	return (
		<section class="sheet">
			<header>
				<h2>{t(cases.around)}</h2>
				<a class="link small" href={caseChart(c)}>{t(cases.toChart)}</a>
			</header>
			<RangeBar shown={{ ...r, range, follow: false, span: own ? null : r.span }} rows={false} />
			{signal && <ChartView signal={signal} range={range} follow={false} rows={false} dot="--c1" height={300} states={items} marks={marks} extent={null} onRange={r.set} onBack={r.back} />}
			{items.length > 0 && (
				<>
					<div class="strip-cap"><span>{t(chart.states)}</span></div>
					<div style={signal ? { paddingLeft: "56px", paddingRight: "6px" } : undefined}>
						<Band items={items} from={range.from} to={range.to} label={t(chart.states)} />
					</div>
				</>
			)}
		</section>
	);
}

export function CasePage({ id }: { id: string }) {
	const got = useGet<Case>(`/api/v1/cases/${encodeURIComponent(id)}`, { nouns: ["case"] });
	const c = got.data;
	const of = useGet<Signal>(c?.evidence?.series ? `/api/v1/series/${c.evidence.series}` : null);
	/* A stop and late data are shown on the machine's first number. */
	const others = useGet<{ items: Signal[] }>(c && !c.evidence?.series ? `/api/v1/signals?asset=${encodeURIComponent(c.asset)}&limit=1000` : null);
	const [text, setText] = useState("");
	const [error, setError] = useState<ApiError | null>(null);
	const now = useNow();
	if (!c) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const signal = of.data ?? others.data?.items.find((s) => s.name === "power") ?? others.data?.items.find((s) => s.type === "float") ?? null;
	const names = new Map(of.data ? [[of.data.id, of.data]] : []);
	const move = (to: CaseState, back: boolean) => {
		const before = c.state;
		setError(null);
		post(`/api/v1/cases/${c.id}/state`, { state: to, ...(text.trim() && !back ? { note: text.trim() } : {}) }).then(
			() => {
				setText("");
				got.again();
				note(t(cases.changedTo, { state: stateWord(to) }), back || to === "closed" ? undefined : () => move(before, true));
			},
			(e: ApiError) => setError(e),
		);
	};
	return (
		<>
			<Lead
				page={caseTitle(c, names)}
				crumb={<><a href="/cases">{t(frame.cases)}</a> › {kindWord(c.kind)}</>}
				title={caseTitle(c, names)}
				acts={<button class="btn" onClick={() => void copyLink()}>{t(frame.copyLink)}</button>}
			>
				{caseSeen(c)} · {c.end ? t(cases.lasted, { d: duration(ms(c.end) - ms(c.begin)) }) : `${t(cases.lasting)} (${duration(now - ms(c.begin))})`}
			</Lead>
			<div class="cols main-side case-page">
				<div class="stack">
					<Around c={c} signal={signal} />
					<section class="sheet">
						<header><h2>{t(cases.history)}</h2></header>
						<ol class="timeline">
							{(c.history ?? []).map((h, i) => (
								<li key={i}>
									<time>{timeText(h.t, now)}</time>
									<span class={`pin ${h.state === "done" || h.state === "closed" ? "pass" : ""}`} />
									<div>
										<State look={caseLook[h.state]}>{stateWord(h.state)}</State>
										{h.note && <p>{h.note}</p>}
									</div>
								</li>
							))}
						</ol>
					</section>
				</div>
				<div class="stack">
					<section class="sheet first">
						<header>
							<h2>{t(cases.state)}</h2>
							<State look={caseLook[c.state]}>{stateWord(c.state)}</State>
						</header>
						<div class="stack" style={{ gap: "10px" }}>
							{c.state === "closed" && <p class="small">{t(cases.closedMore)}</p>}
							{c.state !== "closed" && <label class="field">
								<span>{t(cases.note)}</span>
								<textarea class="words" rows={2} value={text} placeholder={t(cases.notePlaceholder)} onInput={(e) => setText(e.currentTarget.value)} />
							</label>}
							<div class="acts">
								{moves[c.state].map(([to, w], i) => (
									<button key={to} class={`btn${i ? "" : " go"}`} onClick={() => move(to, false)}>{t(w)}</button>
								))}
							</div>
							{error && <Problem error={error} />}
						</div>
					</section>
					<section class="sheet">
						<header><h2>{t(cases.evidence)}</h2></header>
						<Facts c={c} signal={of.data} />
					</section>
				</div>
			</div>
		</>
	);
}
