/* Settings: all data as one file, and whether a backup can be restored. For owners. */
import { useState } from "preact/hooks";
import { ApiError, del, post, query, useGet } from "../api";
import { bytes, duration, number, timeText, zoneOffset } from "../format";
import { said, t } from "../i18n";
import { useNow } from "../live";
import type { Drill, Exports } from "../types";
import { frame } from "../words/frame";
import { keep } from "../words/keep";
import { Problem } from "./basic";

const LOOK_MS = 2000;
const DAY_MS = 86_400_000;

/* Midnight of a day ("2026-11-22") by the node's clock; null: none was given. */
function midnight(day: string, later: number): string | null {
	if (!day) return null;
	const utc = Date.parse(`${day}T00:00:00Z`) + later * DAY_MS;
	return new Date(utc - zoneOffset(utc - zoneOffset(utc))).toISOString();
}

function useAct(done: () => void): [ApiError | null, (f: () => Promise<unknown>) => void] {
	const [error, set] = useState<ApiError | null>(null);
	return [error, (f) => {
		set(null);
		f().then(done, (e: unknown) => set(e instanceof ApiError ? e : new ApiError(null, "", 0)));
	}];
}

export function ExportCard() {
	const got = useGet<Exports>("/api/v1/exports", { every: LOOK_MS });
	const [error, act] = useAct(got.again);
	const [from, setFrom] = useState(""), [to, setTo] = useState("");
	const now = useNow();
	const d = got.data, run = d?.running ?? null;
	return (
		<section class="sheet">
			<header><h2>{t(keep.exports)}</h2></header>
			<p class="small" style={{ paddingBottom: "12px" }}>{t(keep.exportsMore)}</p>
			<form
				class="fields"
				onSubmit={(e) => {
					e.preventDefault();
					act(() => post(`/api/v1/exports${query({ from: midnight(from, 0), to: midnight(to, 1) })}`, {}));
				}}
			>
				<label class="field"><span>{t(keep.from)}</span><input type="date" value={from} onInput={(e) => setFrom(e.currentTarget.value)} /></label>
				<label class="field"><span>{t(keep.to)}</span><input type="date" value={to} min={from || undefined} onInput={(e) => setTo(e.currentTarget.value)} /><small>{t(keep.rangeMore)}</small></label>
				<div class="acts" style={{ alignSelf: "end" }}><button class="btn go" disabled={!!run}>{t(keep.start)}</button></div>
			</form>
			{run && (
				<p class="small" role="status">
					{t(run.name ? keep.running : keep.runningElse, { values: number(run.values), bytes: bytes(run.bytes) })}
					{run.name && <> <button class="btn tight plain" onClick={() => act(() => del(`/api/v1/exports/${run.name}`))}>{t(keep.cancel)}</button></>}
				</p>
			)}
			{!run && d?.failed && <p class="small" style={{ color: "var(--stop)" }}>{t(keep.failed, { why: said(d.failed) })}</p>}
			{error && <Problem error={error} />}
			{d && (d.items.length ? (
				<table class="cards-phone">
					<tbody>
						{d.items.map((x) => (
							<tr key={x.name}>
								<td class="wide"><span class="mono">{x.name}</span> <small class="dim">{bytes(x.bytes)} · {t(keep.until, { t: timeText(x.until, now) })}</small></td>
								<td class="wide">
									<div class="acts">
										<a class="btn tight" href={`/api/v1/exports/${x.name}`} download={x.name}>{t(keep.fetch)}</a>
										<button class="btn tight plain" aria-label={`${t(frame.remove)} ${x.name}`} onClick={() => act(() => del(`/api/v1/exports/${x.name}`))}>{t(frame.remove)}</button>
									</div>
								</td>
							</tr>
						))}
					</tbody>
				</table>
			) : <p class="small dim">{t(keep.none, { n: number(d.keep_hours) })}</p>)}
		</section>
	);
}

/* "Last restore drill: 12 days ago, good." why: with the reason of one that failed. */
export function DrillLine({ d, why }: { d: Drill; why?: boolean }) {
	const last = d.last, ago = duration((d.age_s ?? 0) * 1000);
	return (
		<>
			{!last || d.age_s === null ? t(keep.drillNever) : last.ok ? t(keep.drillGood, { d: ago }) : <span style={{ color: "var(--stop)" }}>{why && last.why ? t(keep.drillBadWhy, { d: ago, why: said(last.why) }) : t(keep.drillBad, { d: ago })}</span>}
			{d.running && ` ${t(keep.drillRunning)}`}
		</>
	);
}

export function DrillCard() {
	const got = useGet<Drill>("/api/v1/restore-drill", { every: LOOK_MS });
	const [error, act] = useAct(got.again);
	const d = got.data, last = d?.last ?? null;
	return (
		<section class="sheet">
			<header><h2>{t(keep.drill)}</h2></header>
			<p class="small" style={{ paddingBottom: "12px" }}>{t(keep.drillMore)}</p>
			{d && <p role="status"><DrillLine d={d} /></p>}
			{d?.target && <p class="small">{d.every_hours ? t(keep.drillEvery, { d: duration(d.every_hours * 3_600_000) }) : t(keep.drillByHand)}</p>}
			{last?.snapshot && <p class="small">{t(keep.drillWhat, { files: number(last.files), bytes: bytes(last.bytes), took: duration(last.took_ms), compared: number(last.compared) })}</p>}
			{last?.why && <p class="small" style={{ color: "var(--stop)" }}>{said(last.why)}</p>}
			{last?.found.map((x, i) => <p key={i} class="small">{said(x)}</p>)}
			{error && <Problem error={error} />}
			<div class="acts" style={{ paddingTop: "12px" }}>
				{d && !d.target ? <small>{t(keep.drillNoTarget)}</small> : <button class="btn" disabled={!d || d.running} onClick={() => act(() => post("/api/v1/restore-drill", {}))}>{t(keep.drillRun)}</button>}
			</div>
		</section>
	);
}
