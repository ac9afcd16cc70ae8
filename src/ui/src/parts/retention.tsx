/* How long what is kept: the rules, read by all, set by an owner. */
import { useState } from "preact/hooks";
import { ApiError, get, put, query, useGet } from "../api";
import { bytes, number, timeText } from "../format";
import { t, type Word } from "../i18n";
import { useNow } from "../live";
import { may } from "../session";
import type { Retention, RetentionPreview, RetentionRule } from "../types";
import { frame } from "../words/frame";
import { retention } from "../words/retention";
import { note, Problem, Waiting } from "./basic";

type Class = RetentionRule["class"];
/* What the store holds: no rule for one machine alone, a least number of days, and what would go is shown before. */
const least: Record<Class, number> = { values: 1, sequences: 1, files: 7, cases: 30, audit: 365 };
const ofStore = (c: Class): c is "files" | "cases" | "audit" => c === "files" || c === "cases" || c === "audit";
const would = { files: retention.wouldFiles, cases: retention.wouldCases, audit: retention.wouldAudit };
const className = (c: Class): Word => retention[c];
const sentence = (r: RetentionRule): string => t(r.asset ? retention.ruleOf : retention.rule, { what: t(className(r.class)), asset: r.asset ?? "", n: number(r.keep_days) });

export function RetentionCard() {
	const got = useGet<Retention>("/api/v1/retention", { nouns: ["doc"], every: 10_000 });
	const now = useNow();
	const [error, setError] = useState<ApiError | null>(null);
	const [kind, setKind] = useState<Class>("values"), [asset, setAsset] = useState(""), [days, setDays] = useState("");
	const [asked, setAsked] = useState<RetentionPreview | null>(null);
	const r = got.data;
	if (!r) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const failed = (e: unknown) => setError(e instanceof ApiError ? e : new ApiError(null, "", 0));
	const save = (rules: RetentionRule[], done: () => void) => {
		setError(null);
		put("/api/v1/retention", { rules }, r.version).then(
			() => {
				done();
				note(t(retention.saved));
				got.again();
			},
			failed,
		);
	};
	const add = () =>
		save([...r.rules, { class: kind, ...(asset.trim() && !ofStore(kind) ? { asset: asset.trim() } : {}), keep_days: Number(days) }], () => {
			setAsset("");
			setDays("");
			setAsked(null);
		});
	const look = () => {
		setError(null);
		get<RetentionPreview>(`/api/v1/retention/preview${query({ class: kind, keep_days: Number(days) })}`).then(setAsked, failed);
	};
	/* Another class or number of days is another question. */
	const change = (to: () => void) => {
		setAsked(null);
		to();
	};
	const owner = may("settings");
	const swept = (r.last?.files ?? 0) + (r.last?.cases ?? 0) + (r.last?.audit ?? 0);
	return (
		<section class="sheet">
			<header><h2>{t(retention.title)}</h2></header>
			{r.rules.length ? (
				<ul class="rule-list">
					{r.rules.map((x, i) => (
						<li key={i}>
							<span>{sentence(x)}</span>
							{owner && <button class="btn tight plain" aria-label={`${t(frame.remove)} ${sentence(x)}`} onClick={() => save(r.rules.filter((_, j) => j !== i), () => {})}>{t(frame.remove)}</button>}
						</li>
					))}
				</ul>
			) : (
				<p class="small">{t(retention.none)}</p>
			)}
			<p class="small" style={{ paddingTop: "8px" }}>{t(retention.stays)}</p>
			<p class="small">{t(retention.storeStays)}</p>
			{r.waits && <p class="small" style={{ color: "var(--stop)" }}>{t(retention.waits)}</p>}
			{r.last && <p class="small dim">{t(r.running ? retention.running : retention.last, { t: timeText(r.last.t, now), n: number(r.last.values) })}{swept > 0 && ` ${t(retention.swept, { f: number(r.last.files ?? 0), c: number(r.last.cases ?? 0), a: number(r.last.audit ?? 0) })}`}</p>}
			{owner && (
				<form
					class="fields"
					style={{ paddingTop: "10px" }}
					onSubmit={(e) => {
						e.preventDefault();
						if (ofStore(kind)) look();
						else add();
					}}
				>
					<label class="field">
						<span>{t(retention.what)}</span>
						<select value={kind} onChange={(e) => { const c = e.currentTarget.value as Class; change(() => setKind(c)); }}>
							{(Object.keys(least) as Class[]).map((c) => <option key={c} value={c}>{t(className(c))}</option>)}
						</select>
					</label>
					{!ofStore(kind) && <label class="field"><span>{t(retention.asset)}</span><input type="text" value={asset} maxLength={128} autocomplete="off" spellcheck={false} onInput={(e) => setAsset(e.currentTarget.value)} /></label>}
					<label class="field"><span>{t(retention.days)}</span><input type="number" value={days} min={least[kind]} max={36500} step={1} required onInput={(e) => { const d = e.currentTarget.value; change(() => setDays(d)); }} /></label>
					<div class="acts" style={{ alignSelf: "end" }}><button class="btn tight">{t(ofStore(kind) ? retention.look : retention.add)}</button></div>
				</form>
			)}
			{owner && asked && ofStore(asked.class) && (
				<div class="asked" role="status" style={{ paddingTop: "10px" }}>
					<p>{asked.removed && asked.from && asked.to
						? t(would[asked.class], { n: number(asked.removed), size: bytes(asked.bytes), from: timeText(asked.from, now), to: timeText(asked.to, now) })
						: t(retention.wouldNone)}</p>
					<div class="acts" style={{ paddingTop: "6px" }}>
						<button type="button" class="btn tight" onClick={add}>{t(retention.keep, { n: number(asked.keep_days) })}</button>
						<button type="button" class="btn tight plain" onClick={() => setAsked(null)}>{t(retention.cancel)}</button>
					</div>
				</div>
			)}
			{error && <Problem error={error} />}
		</section>
	);
}
