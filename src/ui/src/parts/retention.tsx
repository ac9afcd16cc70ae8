/* How long what is kept: the rules, read by all, set by an owner. */
import { useState } from "preact/hooks";
import { ApiError, put, useGet } from "../api";
import { number, timeText } from "../format";
import { t, type Word } from "../i18n";
import { useNow } from "../live";
import { may } from "../session";
import type { Retention, RetentionRule } from "../types";
import { frame } from "../words/frame";
import { retention } from "../words/retention";
import { note, Problem, Waiting } from "./basic";

const className = (c: RetentionRule["class"]): Word => (c === "values" ? retention.values : retention.sequences);
const sentence = (r: RetentionRule): string => t(r.asset ? retention.ruleOf : retention.rule, { what: t(className(r.class)), asset: r.asset ?? "", n: number(r.keep_days) });

export function RetentionCard() {
	const got = useGet<Retention>("/api/v1/retention", { nouns: ["doc"], every: 10_000 });
	const now = useNow();
	const [error, setError] = useState<ApiError | null>(null);
	const [kind, setKind] = useState<RetentionRule["class"]>("values"), [asset, setAsset] = useState(""), [days, setDays] = useState("");
	const r = got.data;
	if (!r) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const save = (rules: RetentionRule[], done: () => void) => {
		setError(null);
		put("/api/v1/retention", { rules }, r.version).then(
			() => {
				done();
				note(t(retention.saved));
				got.again();
			},
			(e: unknown) => setError(e instanceof ApiError ? e : new ApiError(null, "", 0)),
		);
	};
	const add = () =>
		save([...r.rules, { class: kind, ...(asset.trim() ? { asset: asset.trim() } : {}), keep_days: Number(days) }], () => {
			setAsset("");
			setDays("");
		});
	const owner = may("settings");
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
			{r.waits && <p class="small" style={{ color: "var(--stop)" }}>{t(retention.waits)}</p>}
			{r.last && <p class="small dim">{t(r.running ? retention.running : retention.last, { t: timeText(r.last.t, now), n: number(r.last.values) })}</p>}
			{owner && (
				<form
					class="fields"
					style={{ paddingTop: "10px" }}
					onSubmit={(e) => {
						e.preventDefault();
						add();
					}}
				>
					<label class="field">
						<span>{t(retention.what)}</span>
						<select value={kind} onChange={(e) => setKind(e.currentTarget.value as RetentionRule["class"])}>
							<option value="values">{t(retention.values)}</option>
							<option value="sequences">{t(retention.sequences)}</option>
						</select>
					</label>
					<label class="field"><span>{t(retention.asset)}</span><input type="text" value={asset} maxLength={128} autocomplete="off" spellcheck={false} onInput={(e) => setAsset(e.currentTarget.value)} /></label>
					<label class="field"><span>{t(retention.days)}</span><input type="number" value={days} min={1} max={36500} step={1} required onInput={(e) => setDays(e.currentTarget.value)} /></label>
					<div class="acts" style={{ alignSelf: "end" }}><button class="btn tight">{t(retention.add)}</button></div>
				</form>
			)}
			{error && <Problem error={error} />}
		</section>
	);
}
