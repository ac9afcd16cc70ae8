/* Today: one sentence, the machines' day, what needs a person. */
import { useMemo } from "preact/hooks";
import { useGet } from "../api";
import { clockText, dateText, duration, ms, percent, rounded } from "../format";
import { t } from "../i18n";
import { clockMode, useNow } from "../live";
import { Empty, Lead, machineLook, Problem, State, stateWord, Waiting } from "../parts/basic";
import { Band, HourAxis, Legend } from "../parts/bands";
import { CrashNote } from "../parts/crash";
import { caseChart, caseHref, caseSeen, caseTitle, caseWhen, kindWord } from "../parts/seen";
import { href } from "../router";
import { may } from "../session";
import { BackupLine } from "../parts/backup";
import { DiskLine } from "../parts/disk";
import type { Case, Machine, NodeInfo, Signal, List, Today } from "../types";
import { cases } from "../words/cases";
import { frame } from "../words/frame";
import { today } from "../words/today";
import { progress, sentence, tellsState } from "./sentence";

export function useToday() {
	return useGet<Today>(may("read") ? "/api/v1/today" : null, { nouns: ["case", "state", "asset"], every: 10_000 });
}

/* Names of the signals that cases speak of. */
export function useSignalNames(list: readonly Case[]): Map<string, Signal> {
	const assets = [...new Set(list.filter((c) => c.evidence?.series).map((c) => c.asset))];
	const got = useGet<List<Signal>>(assets.length === 1 ? `/api/v1/signals?asset=${encodeURIComponent(assets[0]!)}` : assets.length ? "/api/v1/signals?limit=1000" : null);
	return useMemo(() => new Map((got.data?.items ?? []).map((s) => [s.id, s])), [got.data]);
}

/* How many machines ran at a time, from their bands. */
function runningLine(machines: readonly Machine[], from: number, to: number): string {
	const N = 96, W = 240, H = 28, span = Math.max(1, to - from);
	const n: number[] = new Array<number>(N).fill(0);
	for (const m of machines)
		for (const s of m.states)
			if (s.state === "running") {
				const a = Math.max(0, Math.ceil(((ms(s.from) - from) / span) * N)), b = Math.min(N - 1, Math.floor(((ms(s.to) - from) / span) * N));
				for (let i = a; i <= b; i++) n[i]!++;
			}
	const top = Math.max(1, machines.length);
	return n.map((v, i) => `${i ? "L" : "M"}${((i / (N - 1)) * W).toFixed(1)} ${(H - 2 - (v / top) * (H - 4)).toFixed(1)}`).join("");
}

function Tiles({ d, now }: { d: Today; now: number }) {
	const m = d.machines.filter(tellsState), from = ms(d.from);
	const running = m.filter((x) => x.state === "running").length;
	const shares = m.map((x) => x.running_share).filter((x): x is number => x !== null);
	const share = shares.length ? shares.reduce((a, b) => a + b, 0) / shares.length : null;
	const stops = m.flatMap((x) => x.states.filter((s) => s.state === "stopped" && ms(s.to) - ms(s.from) >= 120_000).map((s) => ({ name: x.name, d: ms(s.to) - ms(s.from) })));
	const longest = stops.reduce<(typeof stops)[number] | null>((a, b) => (a && a.d >= b.d ? a : b), null);
	const kinds = [...new Set(d.cases.map((c) => c.kind))].map((k) => `${kindWord(k)} ${d.cases.filter((c) => c.kind === k).length}`).join(" · ");
	const open = d.cases_open ?? d.cases.length;
	const line = runningLine(m, from, now);
	return (
		<div class="cols four" style={{ marginBottom: "16px" }}>
			<section class="sheet tile">
				<small>{t(today.running)}</small>
				<p><b class="big live">{running}<i>{t(today.ofMachines, { n: m.length })}</i></b></p>
				<svg class="spark" viewBox="0 0 240 28" preserveAspectRatio="none" aria-hidden="true">
					<path d={`${line}L240 28L0 28Z`} fill="var(--run-soft)" />
					<path d={line} fill="none" stroke="var(--run)" stroke-width="1.6" vector-effect="non-scaling-stroke" />
				</svg>
			</section>
			<section class="sheet tile">
				<small>{t(today.share)}</small>
				<p><b class="big live">{share === null ? percent(null) : rounded(share * 100, 1)}{share !== null && <i>%</i>}</b></p>
				<small style={{ alignSelf: "end" }}>{t(today.shareSince, { t: clockText(d.from) })}</small>
			</section>
			<section class="sheet tile">
				<small>{t(today.stops)}</small>
				<p><b class="big live">{stops.length}<i>{t(today.stopsTimes)}</i></b></p>
				<small style={{ alignSelf: "end" }}>{longest ? t(today.stopsSum, { d: duration(stops.reduce((a, b) => a + b.d, 0)), name: longest.name }) : t(today.stopsNone)}</small>
			</section>
			<section class="sheet tile">
				<small>{t(today.openTile)}</small>
				<p><a href="/cases"><b class="big">{open}<i>{t(today.openUnit)}</i></b></a></p>
				<small style={{ alignSelf: "end" }}>{kinds || t(today.openNone)}</small>
			</section>
		</div>
	);
}

function Bands({ d, now }: { d: Today; now: number }) {
	const from = ms(d.from), to = Math.max(now, from + 3_600_000);
	const untold = d.machines.filter((m) => !tellsState(m)).length;
	return (
		<section class="sheet">
			<header>
				<h2>{t(today.bands)}</h2>
				<Legend />
			</header>
			<div class="bands">
				{d.machines.filter(tellsState).map((m) => {
					const state = m.state ?? "no_data";
					const hot = state === "stopped";
					return (
						<a key={m.asset} href={href("assets", m.asset)} class={hot ? "hot" : ""}>
							<span class="name">{m.name}</span>
							<span class="since">
								<State look={m.stale ? "none" : machineLook[state]!}>{m.stale ? stateWord("stale") : stateWord(state)}{m.since && state !== "running" && !m.stale ? ` ${duration(now - ms(m.since))}` : ""}</State>
							</span>
							<span class="bandcell">
								<Band items={m.states} from={from} to={to} label={`${m.name} ${stateWord(state)} ${percent(m.running_share)}`} />
							</span>
							<span class="share live" title={t(today.shareColumn)}>{percent(m.running_share)}</span>
						</a>
					);
				})}
				<HourAxis from={from} to={to} />
			</div>
			{untold > 0 && <p class="small" style={{ paddingTop: "8px" }}><a class="link" href="/assets">{t(today.untold, { n: untold })}</a></p>}
		</section>
	);
}

export function CaseItem({ c, names }: { c: Case; names: Map<string, Signal> }) {
	return (
		<li>
			<a href={caseHref(c)}>
				<State look={c.kind === "stop" ? "stop" : "wait"} wrap>{caseTitle(c, names)}</State>
			</a>
			<div class="body">
				<span class="small">{caseSeen(c)}</span>
				<span class="small dim">{caseWhen(c)}</span>
				<span class="acts">
					<a class="link" href={caseChart(c)}>{t(cases.toChart)}</a>
					<a class="link" href={caseHref(c)}>{t(cases.toCase)}</a>
				</span>
			</div>
		</li>
	);
}

export function TodayPage({ node }: { node: NodeInfo }) {
	const got = useToday();
	const now = useNow();
	const names = useSignalNames(got.data?.cases ?? []);
	const d = got.data;
	if (!d) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const mode = clockMode();
	const h = mode?.mode === "stepped" && mode.history ? { ...mode.history, now: new Date(now).toISOString() } : mode ? null : node.history;
	if (!d.machines.some(tellsState) && !h) {
		const signals = d.counts.signal ?? 0;
		return (
			<>
				<CrashNote node={node} />
				<Empty
					title={signals ? t(today.noMachines, { n: signals }) : t(today.emptyTitle)}
					acts={
						<>
							<a class="btn go" href="/imports">{t(today.emptyImport)}</a>
							<a class="btn" href="/settings/devices">{t(today.emptyDevice)}</a>
							{signals > 0 && <a class="btn" href="/assets">{t(frame.assets)}</a>}
						</>
					}
				>
					{t(today.emptyMore)}
					{d.disk && <DiskLine d={d.disk} />}
					{d.backup && <BackupLine b={d.backup} />}
				</Empty>
			</>
		);
	}
	const s = sentence(d, h, now, names);
	return (
		<>
			<CrashNote node={node} />
			<Lead page={t(frame.today)} title={s.title} acts={<a class="btn off-phone" href="/?wall">{t(today.wall)}</a>}>
				{s.more}
			</Lead>
			{h && (
				<div class="meter" role="progressbar" aria-label={s.title} aria-valuenow={Math.round(progress(h, now) * 100)} aria-valuemin={0} aria-valuemax={100} style={{ marginBottom: "16px" }}>
					<i style={{ width: `${progress(h, now) * 100}%` }} />
				</div>
			)}
			{d.machines.length > 0 && <Tiles d={d} now={now} />}
			<div class="cols main-side">
				{d.machines.length > 0 ? <Bands d={d} now={now} /> : <Waiting />}
				<section class="sheet">
					<header>
						<h2>{t(today.cases)}</h2>
						<a class="link small" href="/cases">{t(today.casesAll)}</a>
					</header>
					{d.cases.length ? (
						<ul class="case-list">
							{d.cases.slice(0, 6).map((c) => (
								<CaseItem key={c.id} c={c} names={names} />
							))}
						</ul>
					) : (
						<p class="small">{t(today.casesEmpty)}</p>
					)}
				</section>
			</div>
			{d.disk && <DiskLine d={d.disk} />}
			{d.backup && <BackupLine b={d.backup} />}
			<p class="small dim" style={{ marginTop: "14px" }}>{t(today.day, { date: dateText(d.from) })}</p>
		</>
	);
}
