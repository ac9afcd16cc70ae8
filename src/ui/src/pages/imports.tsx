/* Import: a file is streamed to the node, which proposes how to read it; a person corrects and agrees. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError, post, useGet } from "../api";
import { bytes, number, percent, timeText } from "../format";
import { said, t, type Word } from "../i18n";
import { nowMs } from "../live";
import { Lead, note, Problem, sentences, State, Waiting, type Look } from "../parts/basic";
import { ChartView, dots } from "../parts/chart";
import { onDropped } from "../parts/drop";
import { icons } from "../parts/icons";
import { extentOf, isRows } from "../parts/series";
import { go, href } from "../router";
import { csrf, needLogin } from "../session";
import type { Import, List, Preview, Proposal, Signal } from "../types";
import { frame } from "../words/frame";
import { imports } from "../words/imports";

const stateWords: Record<Import["state"], [Word, Look]> = { proposed: [imports.proposed, "wait"], running: [imports.running, "wait"], done: [imports.done, "run"], refused: [imports.refusedState, "stop"], failed: [imports.failed, "stop"] };

function ImportState({ s }: { s: Import["state"] }) {
	const [w, look] = stateWords[s] ?? [imports.failed, "none" as Look];
	return <State look={look}>{t(w)}</State>;
}

/* XMLHttpRequest, because fetch does not tell how much of a body was sent. */
function Drop() {
	const [sent, setSent] = useState<{ file: string; done: number; all: number } | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const request = useRef<XMLHttpRequest | null>(null);
	const input = useRef<HTMLInputElement>(null);
	useEffect(() => () => request.current?.abort(), []);
	const start = (files: readonly File[]) => {
		const file = files[0];
		if (!file) return;
		if (files.length > 1) note(t(imports.oneFile));
		const x = new XMLHttpRequest(), path = `/api/v1/imports?name=${encodeURIComponent(file.name.normalize("NFC"))}`;
		request.current = x;
		setError(null);
		setSent({ file: file.name, done: 0, all: file.size });
		x.open("POST", path);
		x.setRequestHeader("Content-Type", "application/octet-stream");
		for (const [k, v] of Object.entries(csrf())) x.setRequestHeader(k, v);
		x.responseType = "json";
		x.upload.onprogress = (e) => setSent({ file: file.name, done: e.loaded, all: file.size });
		x.onload = () => {
			setSent(null);
			if (x.status === 401) needLogin();
			const body = x.response as (Import & { code?: string }) | null;
			if (x.status < 300 && body?.id) go(href("imports", body.id));
			else setError(new ApiError(body && body.code ? (x.response as ApiError["problem"]) : null, `POST ${path}`, x.status));
		};
		x.onerror = () => {
			setSent(null);
			setError(new ApiError(null, `POST ${path}`, 0));
		};
		x.onabort = () => setSent(null);
		x.send(file);
	};
	useEffect(() => onDropped(start), []);
	return (
		<>
			<section class="drop">
				{icons.imports}
				{sent ? (
					<>
						<b>{t(imports.sending, { file: sent.file, done: bytes(sent.done), all: bytes(sent.all) })}</b>
						<div class="meter" style={{ width: "min(420px, 100%)" }} role="progressbar" aria-label={t(imports.sending, { file: sent.file, done: bytes(sent.done), all: bytes(sent.all) })} aria-valuenow={sent.all ? Math.round((sent.done / sent.all) * 100) : 0}>
							<i style={{ width: `${sent.all ? (sent.done / sent.all) * 100 : 0}%` }} />
						</div>
						<button
							class="btn tight"
							onClick={() => {
								request.current?.abort();
								note(t(imports.stopped));
							}}
						>
							{t(imports.stop)}
						</button>
					</>
				) : (
					<>
						<b>{t(imports.drop)}</b>
						<button class="btn go" onClick={() => input.current?.click()}>{t(imports.choose)}</button>
						<input
							ref={input}
							type="file"
							class="sr"
							tabIndex={-1}
							aria-label={t(imports.choose)}
							accept=".csv,.tsv,.txt,text/csv"
							onChange={(e) => {
								start([...(e.currentTarget.files ?? [])]);
								e.currentTarget.value = "";
							}}
						/>
						<small>{t(imports.dropMore)}</small>
					</>
				)}
			</section>
			{error && <section class="sheet" style={{ marginTop: "16px" }}><Problem error={error} /></section>}
		</>
	);
}

export function ImportsPage() {
	const got = useGet<List<Import>>("/api/v1/imports?limit=100", { nouns: ["import"] });
	const now = nowMs();
	return (
		<>
			<Lead page={t(frame.imports)} title={t(imports.lead)}>{t(imports.leadMore)}</Lead>
			<Drop />
			<section class="sheet" style={{ marginTop: "16px" }}>
				<header><h2>{t(imports.earlier)}</h2></header>
				{got.error && <Problem error={got.error} again={got.again} />}
				{!got.data && !got.error && <Waiting />}
				{got.data && !got.data.items.length && <p class="small">{t(imports.none)}</p>}
				{got.data && got.data.items.length > 0 && (
					<table class="cards-phone">
						<thead>
							<tr>
								<th>{t(imports.file)}</th>
								<th>{t(imports.state)}</th>
								<th class="num">{t(imports.rows)}</th>
								<th class="num">{t(imports.taken)}</th>
								<th class="num">{t(imports.replaced)}</th>
								<th class="num">{t(imports.same)}</th>
								<th class="num">{t(imports.refused)}</th>
								<th class="num">{t(imports.when)}</th>
							</tr>
						</thead>
						<tbody>
							{got.data.items.map((i) => (
								<tr key={i.id} class="go-row" onClick={(e) => !(e.target as Element).closest("a") && go(href("imports", i.id))}>
									<td><a class="strong" href={href("imports", i.id)}>{i.file}</a></td>
									<td><ImportState s={i.state} /></td>
									<td class="num off-phone">{i.result ? number(i.result.rows) : ""}</td>
									<td class="num off-phone">{i.result ? number(i.result.taken) : ""}</td>
									<td class="num off-phone">{i.result ? number(i.result.replaced - i.result.same) : ""}</td>
									<td class="num off-phone">{i.result ? number(i.result.same) : ""}</td>
									<td class="num off-phone">{i.result ? number(i.result.refused) : ""}</td>
									<td class="num off-phone"><small>{timeText(i.t, now)}</small></td>
								</tr>
							))}
						</tbody>
					</table>
				)}
			</section>
		</>
	);
}

/* A 00:00 that follows the evening of its own date: the rows as they stand in the file. */
function Midnight({ plan, more }: { plan: Proposal | null; more: Word }) {
	const m = plan?.time.midnight;
	return m ? (
		<div class="ask">
			<b>{t(imports.askMidnight, { line: number(m.line), before: m.before, at: m.at })}</b>
			<span class="small">{t(more)}</span>
		</div>
	) : null;
}

const uses: [string, Word][] = [["time", imports.useTime], ["date", imports.useDate], ["clock", imports.useClock], ["value", imports.useValue], ["tag", imports.useTag], ["number", imports.useNumber], ["ignore", imports.useIgnore]];
const types: [string, Word][] = [["float", imports.typeFloat], ["integer", imports.typeInteger], ["boolean", imports.typeBoolean], ["string", imports.typeString]];
const delimiters: [string, Word][] = [[",", imports.comma], [";", imports.semicolon], ["\t", imports.tab], ["|", imports.pipe]];
const encodings = ["UTF-8", "CP949", "UTF-16LE", "UTF-16BE"];
/* Names in the node's table of forms; what the proposal names is always among them. */
const dates = ["YYYY-MM-DD", "YYYY/M/D", "YYYY.M.D", "YYYY. M. D.", "D/M/YYYY", "M/D/YYYY", "D-M-YYYY", "M-D-YYYY", "D.M.YYYY", "M.D.YYYY"];
const others = ["YYYYMMDDhhmmss", "YYYYMMDDhhmm", "YYYYMMDD", "YYYY-MM", "YYYY.MM", "YYYYMM", "YYYY", "Excel serial", "epoch s", "epoch ms"];
function formats(now: string | null): string[] {
	const hh = (d: string) => (d === "YYYY-MM-DD" ? "hh" : "h");
	const list = [...dates.flatMap((d) => [`${d} ${hh(d)}:mm`, `${d} ${hh(d)}:mm:ss`, d]), ...others];
	return now && !list.includes(now) ? [now, ...list] : list;
}
const swapDayMonth = (f: string): string => f.replace(/^([DM])([/.-])([DM])/, (_, a: string, s: string, b: string) => `${b}${s}${a}`);

function PreviewTable({ id, plan }: { id: string; plan: Proposal }) {
	const got = useGet<Preview>(`/api/v1/imports/${encodeURIComponent(id)}/preview?rows=12`);
	if (got.error) return <Problem error={got.error} again={got.again} />;
	if (!got.data) return <Waiting />;
	const off = (i: number): string => (plan.columns[i]?.use === "ignore" ? "ignored" : "");
	return (
		<div class="scroll-x" tabIndex={0} role="group" aria-label={t(imports.preview)}>
			<table class="preview">
				<thead>
					<tr>
						{got.data.columns.map((c, i) => (
							<th key={i} class={off(i)}>{c}</th>
						))}
					</tr>
				</thead>
				<tbody>
					{got.data.rows.map((row, r) => (
						<tr key={r}>
							{row.map((c, i) => (
								<td key={i} class={off(i) || (c.ok ? "" : "no")}>
									{c.text}
									{c.reading !== c.text && c.reading !== "" && <small>{c.reading}</small>}
								</td>
							))}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

function Plan({ i, again }: { i: Import; again: () => void }) {
	const [plan, setPlan] = useState<Proposal>(i.proposal!);
	const [answered, setAnswered] = useState(false);
	const [error, setError] = useState<ApiError | null>(null);
	const [busy, setBusy] = useState(false);
	const set = (p: Partial<Proposal>) => setPlan({ ...plan, ...p });
	const column = (n: number, p: Partial<Proposal["columns"][number]>) => set({ columns: plan.columns.map((c, k) => (k === n ? { ...c, ...p } : c)) });
	const commit = () => {
		setBusy(true);
		setError(null);
		const same = JSON.stringify(plan) === JSON.stringify(i.proposal);
		post(`/api/v1/imports/${encodeURIComponent(i.id)}/commit`, same ? {} : plan).then(
			() => again(),
			(e: ApiError) => {
				setBusy(false);
				setError(e);
			},
		);
	};
	const values = plan.columns.filter((c) => c.use === "value").length;
	const timed = plan.columns.some((c) => c.use === "time" || c.use === "date");
	const question = answered ? null : plan.time.question;
	return (
		<>
			<Lead
				page={i.file}
				crumb={<><a href="/imports">{t(imports.crumb)}</a> › {i.file}</>}
				title={t(imports.titleProposed, { asset: plan.asset, values: number(values) })}
				acts={
					<>
						<a class="btn" href="/imports">{t(imports.another)}</a>
						<button class="btn go" disabled={busy} onClick={commit}>{t(imports.commit)}</button>
					</>
				}
			>
				{plan.remembered ? t(imports.titleRemembered) : t(imports.titleProposedMore, { rows: number(plan.rows_seen) })}
			</Lead>
			{error && <section class="sheet" style={{ marginBottom: "16px" }}><Problem error={error} /></section>}
			{question === "month_or_day" && (
				<div class="ask">
					<b>{t(imports.askMonthDay)}</b>
					<span class="small">{t(imports.askMonthDayMore, { format: plan.time.format })}</span>
					<span class="acts">
						{([["D", imports.dayFirst], ["M", imports.monthFirst]] as const).map(([k, w]) => (
							<button
								key={k}
								class="btn tight"
								onClick={() => {
									const f = plan.time.format ?? "";
									set({ time: { ...plan.time, format: f.startsWith(k) ? f : swapDayMonth(f), question: null } });
									setAnswered(true);
								}}
							>
								{t(w)}
							</button>
						))}
					</span>
				</div>
			)}
			<Midnight plan={plan} more={imports.askMidnightMore} />
			<div class="stack">
				<section class="sheet">
					<header><h2>{t(imports.how)}</h2></header>
					<div class="fields">
						<label class="field">
							<span>{t(imports.asset)}</span>
							<input type="text" value={plan.asset} onInput={(e) => set({ asset: e.currentTarget.value })} />
							<small>{t(imports.assetMore)}</small>
						</label>
						<label class="field">
							<span>{t(imports.timeFormat)}</span>
							{timed ? (
								<select value={plan.time.format ?? ""} onChange={(e) => set({ time: { ...plan.time, format: e.currentTarget.value, question: null } })}>
									{formats(plan.time.format).map((f) => (
										<option key={f} value={f}>{f}</option>
									))}
								</select>
							) : (
								<small>{t(imports.noTime)}</small>
							)}
							{plan.time.zone && <small>{t(imports.zone)} {plan.time.zone}</small>}
						</label>
						<label class="field">
							<span>{t(imports.encoding)}</span>
							<select value={plan.encoding} onChange={(e) => set({ encoding: e.currentTarget.value })}>
								{[...new Set([plan.encoding, ...encodings])].map((x) => (
									<option key={x} value={x}>{x}</option>
								))}
							</select>
						</label>
						<label class="field">
							<span>{t(imports.delimiter)}</span>
							<select value={plan.delimiter} onChange={(e) => set({ delimiter: e.currentTarget.value })}>
								{delimiters.map(([v, w]) => (
									<option key={v} value={v}>{t(w)}</option>
								))}
							</select>
						</label>
						<label class="field">
							<span>{t(imports.headers)}</span>
							<input type="number" min={0} max={20} value={plan.header_lines} onInput={(e) => set({ header_lines: Math.max(0, Number(e.currentTarget.value) || 0) })} />
						</label>
					</div>
				</section>
				<section class="sheet">
					<header><h2>{t(imports.columns)}</h2><small>{number(plan.columns.length)}</small></header>
					<table class="grid-edit">
						<thead>
							<tr>
								<th>{t(imports.header)}</th>
								<th>{t(imports.use)}</th>
								<th>{t(imports.signal)}</th>
								<th>{t(imports.unit)}</th>
								<th>{t(imports.type)}</th>
							</tr>
						</thead>
						<tbody>
							{plan.columns.map((c, n) => (
								<tr key={n} class={c.use === "ignore" ? "dim" : ""}>
									<td class="strong">{c.header || c.name}</td>
									<td>
										<select value={c.use} aria-label={`${c.name} ${t(imports.use)}`} onChange={(e) => column(n, { use: e.currentTarget.value })}>
											{uses.map(([v, w]) => (
												<option key={v} value={v}>{t(w)}</option>
											))}
										</select>
									</td>
									<td data-w={t(imports.signal)}>{(c.use === "value" || c.use === "tag") && <input type="text" value={c.signal} aria-label={`${c.name} ${t(imports.signal)}`} onInput={(e) => column(n, { signal: e.currentTarget.value })} />}</td>
									<td data-w={t(imports.unit)}>{c.use === "value" && <input type="text" value={c.unit} aria-label={`${c.name} ${t(imports.unit)}`} onInput={(e) => column(n, { unit: e.currentTarget.value })} />}</td>
									<td>
										{c.use === "value" && (
											<select value={c.type} aria-label={`${c.name} ${t(imports.type)}`} onChange={(e) => column(n, { type: e.currentTarget.value })}>
												{types.map(([v, w]) => (
													<option key={v} value={v}>{t(w)}</option>
												))}
											</select>
										)}
									</td>
								</tr>
							))}
						</tbody>
					</table>
				</section>
				<section class="sheet">
					<header><h2>{t(imports.preview)}</h2><small>{t(imports.previewMore)}</small></header>
					<PreviewTable id={i.id} plan={plan} />
				</section>
			</div>
		</>
	);
}

/* What came in is seen at once, without a word of configuration. */
const CHARTS_MAX = 3;
function ResultChart({ id, n }: { id: string; n: number }) {
	const got = useGet<Signal>(`/api/v1/series/${encodeURIComponent(id)}`);
	const s = got.data;
	const extent = useMemo(() => (s ? extentOf(s) : null), [s]);
	if (got.error) return <Problem error={got.error} again={got.again} />;
	if (!s || !extent) return null;
	const to = href("series", s.id), leave = () => go(to);
	return (
		<div>
			<ChartView signal={s} range={{ from: extent.first, to: extent.last + 1 }} follow={false} rows={isRows(s)} dot={dots[n % dots.length]!} height={180} states={[]} marks={[]} extent={extent} onRange={leave} onBack={leave} />
			<p class="chart-foot"><a class="link small" href={to} aria-label={t(imports.chartsMore, { name: s.label || s.name })}>{t(imports.chartBig)}</a></p>
		</div>
	);
}

/* The numbers of a file, in the order of its columns. */
function useNumbers(i: Import): readonly Signal[] {
	const asset = i.proposal?.asset;
	const got = useGet<List<Signal>>(i.state === "done" && asset ? `/api/v1/signals?asset=${encodeURIComponent(asset)}&limit=1000` : null);
	return useMemo(() => {
		const mine = new Set(i.result?.series ?? []), order = new Map(i.proposal?.columns.map((c, n) => [c.signal, n]));
		return (got.data?.items ?? []).filter((s) => mine.has(s.id) && s.type !== "string").sort((a, b) => (order.get(a.name) ?? 999) - (order.get(b.name) ?? 999));
	}, [got.data, i]);
}

function Result({ i }: { i: Import }) {
	const r = i.result;
	const refused = i.state === "refused", failed = i.state === "failed";
	const title = refused ? t(imports.titleRefused) : failed ? t(imports.titleFailed) : !r ? i.file : r.refused ? t(imports.titleDone, { rows: number(r.rows), taken: number(r.taken + r.replaced) }) : t(imports.titleDoneAll, { rows: number(r.rows) });
	const why = i.trouble ?? r?.errors[0]?.detail;
	const more = refused ? [why ? said(why) : "", t(imports.titleRefusedMore)] : failed ? [why ? said(why) : "", t(imports.titleFailedMore)] : r ? [r.replaced > r.same ? t(imports.titleDoneReplaced, { n: number(r.replaced - r.same) }) : "", r.same ? t(imports.titleDoneSame, { n: number(r.same) }) : "", r.refused ? t(imports.titleDoneMore, { refused: number(r.refused) }) : ""] : [];
	const asset = i.proposal?.asset;
	const numbers = useNumbers(i);
	const first = numbers[0]?.id ?? r?.series[0];
	return (
		<>
			<Lead
				page={i.file}
				crumb={<><a href="/imports">{t(imports.crumb)}</a> › {i.file}</>}
				title={title}
				acts={
					<>
						<a class={`btn${refused || failed ? " go" : ""}`} href="/imports">{t(imports.another)}</a>
						{i.state === "done" && (first || asset) && <a class="btn go" href={first ? href("series", first) : href("assets", asset!)}>{t(imports.charts)}</a>}
					</>
				}
			>
				{sentences(more)}
			</Lead>
			{r && <Midnight plan={i.proposal} more={imports.askMidnightDone} />}
			{r && !refused && (
				<div class="stack">
					<section class="sheet">
						<dl class="figures">
							{([[imports.rows, r.rows], [imports.taken, r.taken], [imports.replaced, r.replaced - r.same], [imports.same, r.same], [imports.refused, r.refused], [imports.series, r.series.length], ...(r.lots > 0 ? [[imports.lots, r.lots] as const] : [])] as [Word, number][]).map(([w, n]) => (
								<div key={w[1]}><dt>{t(w)}</dt><dd>{number(n)}</dd></div>
							))}
						</dl>
					</section>
					{numbers.length > 0 && (
						<section class="sheet">
							<header><h2>{t(imports.chartsHere)}</h2><small>{i.proposal?.asset}</small></header>
							{numbers.slice(0, CHARTS_MAX).map((x, n) => <ResultChart key={x.id} id={x.id} n={n} />)}
						</section>
					)}
					{r.refused > 0 && (
						<section class="sheet">
							<header>
								<h2>{t(imports.refusedRows)}</h2>
								<a class="link small" download href={`/api/v1/imports/${encodeURIComponent(i.id)}/refused.csv`}>{t(imports.refusedFile)}</a>
							</header>
							<table class="cards-phone">
								<thead>
									<tr>
										<th>{t(imports.line)}</th>
										<th>{t(imports.header)}</th>
										<th>{t(imports.value)}</th>
										<th>{t(imports.reason)}</th>
									</tr>
								</thead>
								<tbody>
									{r.errors.map((e, n) => (
										<tr key={n}>
											<td class="nowrap">{number(e.line)}</td>
											<td>{e.field}</td>
											<td class="mono off-phone">{e.value}</td>
											<td class="wide">{said(e.detail)}</td>
										</tr>
									))}
								</tbody>
							</table>
							{r.refused > r.errors.length && <p class="small" style={{ paddingTop: "8px" }}>{t(imports.refusedMore, { n: number(r.errors.length) })}</p>}
						</section>
					)}
				</div>
			)}
		</>
	);
}

const RUNNING_MS = 700;
export function ImportPage({ id }: { id: string }) {
	const path = `/api/v1/imports/${encodeURIComponent(id)}`;
	const [running, setRunning] = useState(false);
	const got = useGet<Import>(path, { nouns: ["import"], every: running ? RUNNING_MS : undefined });
	const i = got.data;
	useEffect(() => setRunning(i?.state === "running"), [i?.state]);
	if (!i) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	if (i.state === "proposed" && i.proposal) return <Plan key={i.id} i={i} again={got.again} />;
	if (i.state === "running")
		return (
			<>
				<Lead page={i.file} crumb={<><a href="/imports">{t(imports.crumb)}</a> › {i.file}</>} title={t(imports.titleRunning, { p: percent(i.progress ?? 0) })}>{t(imports.titleRunningMore)}</Lead>
				<div class="meter" role="progressbar" aria-label={t(imports.running)} aria-valuenow={Math.round((i.progress ?? 0) * 100)}><i style={{ width: `${(i.progress ?? 0) * 100}%` }} /></div>
			</>
		);
	return <Result i={i} />;
}
