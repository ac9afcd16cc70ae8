/* Settings: whose certificates are believed, and which keys the node holds. For owners. */
import { useState } from "preact/hooks";
import { ApiError, del, post, put, useGet } from "../api";
import { number, timeText } from "../format";
import { said, t } from "../i18n";
import { useNow } from "../live";
import { Lead, Problem, State, Waiting } from "../parts/basic";
import { href } from "../router";
import type { List, NodeKey, TrustItem } from "../types";
import { settings } from "../words/settings";
import { trust } from "../words/trust";

const TRUST_MS = 3000;
const PURPOSES = ["https-out", "opcua", "partner"] as const;
type Act = (f: () => Promise<unknown>) => void;
const path = (x: TrustItem): string => `/api/v1/trust/${x.fingerprint}`;
/* In fours, as people read it to each other. */
const print = (hex: string): string => (hex.toUpperCase().match(/.{1,4}/g) ?? []).join(" ");
const common = (subject: string): string => /(?:^|,)CN=([^,]*)/.exec(subject)?.[1] ?? subject;
const called = (x: TrustItem): string => x.label || common(x.subject ?? "") || x.fingerprint.slice(0, 16);
const peerOf = (x: TrustItem): string => (x.peer ?? "").replace(/^sink:/, "");
const uses = (x: TrustItem): string => PURPOSES.filter((p) => x.purposes?.includes(p)).map((p) => t(trust[p])).join(", ");
const untilText = (c: { not_after: string | null; days_left: number }, now: number): string => `${timeText(c.not_after, now)} (${c.days_left < 0 ? t(trust.over) : t(trust.days, { n: c.days_left })})`;

function WaitingOne({ x, act }: { x: TrustItem; act: Act }) {
	const now = useNow();
	return (
		<div style={{ padding: "8px 0" }}>
			<p><b>{called(x)}</b> <small>{peerOf(x) ? t(trust.from, { name: peerOf(x) }) : t(trust.given)}</small></p>
			<dl class="facts">
				<dt>{t(trust.print)}</dt><dd class="mono" style={{ wordBreak: "normal" }}>{print(x.fingerprint)}</dd>
				<dt>{t(trust.names)}</dt><dd>{[...(x.names ?? []), ...(x.uri ? [x.uri] : [])].join(", ") || "–"}</dd>
				<dt>{t(trust.issuer)}</dt><dd>{x.issuer === x.subject ? t(trust.itself) : common(x.issuer ?? "")}</dd>
				<dt>{t(trust.until)}</dt><dd>{untilText({ not_after: x.not_after ?? null, days_left: x.days_left ?? 0 }, now)}</dd>
			</dl>
			<div class="acts" style={{ paddingTop: "8px" }}>
				<button class="btn go" aria-label={`${t(trust.accept)} ${called(x)}`} onClick={() => act(() => put(path(x), { state: "trusted" }))}>{t(trust.accept)}</button>
				<button class="btn" aria-label={`${t(trust.refuse)} ${called(x)}`} onClick={() => act(() => put(path(x), { state: "refused" }))}>{t(trust.refuse)}</button>
			</div>
		</div>
	);
}

function KnownRow({ x, act }: { x: TrustItem; act: Act }) {
	const now = useNow(), ok = x.state === "trusted";
	return (
		<tr>
			<td class="wide"><b>{called(x)}</b>{x.authority && <small> {t(trust.authority)}</small>}<br /><small class="dim mono" style={{ overflowWrap: "anywhere" }}>{print(x.fingerprint)}</small></td>
			<td class="wide">{uses(x)}{peerOf(x) && <><br /><small>{t(trust.from, { name: peerOf(x) })}</small></>}</td>
			<td class="wide">
				<State look={!x.readable ? "none" : ok ? "run" : "stop"}>{t(!x.readable ? trust.unread : ok ? trust.trusted : trust.refused)}</State>
				{x.by && <><br /><small>{t(trust.by, { name: x.by, time: timeText(x.added, now) })}</small></>}
			</td>
			<td class="wide">{x.readable ? untilText({ not_after: x.not_after ?? null, days_left: x.days_left ?? 0 }, now) : "–"}</td>
			<td class="wide">
				<div class="acts">
					{x.readable && <button class="btn tight" aria-label={`${t(ok ? trust.refuse : trust.accept)} ${called(x)}`} onClick={() => act(() => put(path(x), { state: ok ? "refused" : "trusted" }))}>{t(ok ? trust.refuse : trust.accept)}</button>}
					<button class="btn tight plain" aria-label={`${t(trust.forget)} ${called(x)}`} onClick={() => act(() => del(path(x)))}>{t(trust.forget)}</button>
				</div>
			</td>
		</tr>
	);
}

/* PEM as it stands, anything else as DER. */
async function read(file: File): Promise<Record<string, string>> {
	const b = new Uint8Array(await file.arrayBuffer());
	if (b[0] !== 0x30) return { certificate: new TextDecoder().decode(b) };
	return { der: btoa(Array.from(b, (c) => String.fromCharCode(c)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") };
}

function Add({ act }: { act: Act }) {
	const [label, setLabel] = useState(""), [file, setFile] = useState<File | null>(null), [what, setWhat] = useState<readonly string[]>(["https-out"]);
	return (
		<form
			class="fields"
			onSubmit={(e) => {
				const form = e.currentTarget;
				e.preventDefault();
				if (file)
					act(async () => {
						await post("/api/v1/trust", { ...(await read(file)), purposes: what, label });
						form.reset();
						setLabel("");
						setFile(null);
					});
			}}
		>
			<label class="field" style={{ gridColumn: "1 / -1" }}><span>{t(trust.file)}</span><input type="file" accept=".pem,.crt,.cer,.der" required onChange={(e) => setFile(e.currentTarget.files?.[0] ?? null)} /><small>{t(trust.addMore)}</small></label>
			<label class="field"><span>{t(trust.label)}</span><input type="text" value={label} maxLength={20} autocomplete="off" onInput={(e) => setLabel(e.currentTarget.value)} /></label>
			<div style={{ display: "flex", flexWrap: "wrap", gap: "4px 16px", gridColumn: "1 / -1" }} role="group" aria-label={t(trust.purposes)}>
				{PURPOSES.map((k) => (
					<label key={k} class="check">
						<input type="checkbox" checked={what.includes(k)} onChange={(e) => setWhat(e.currentTarget.checked ? [...what, k] : what.filter((x) => x !== k))} />
						{t(trust[k])}
					</label>
				))}
			</div>
			<div class="acts" style={{ alignSelf: "end" }}><button class="btn go" disabled={!what.length || !file}>{t(trust.save)}</button></div>
		</form>
	);
}

function Keys({ list }: { list: NodeKey[] }) {
	const now = useNow();
	return (
		<table class="cards-phone">
			<thead><tr><th>{t(trust.subject)}</th><th>{t(trust.state)}</th><th>{t(trust.print)}</th><th>{t(trust.until)}</th></tr></thead>
			<tbody>
				{list.map((k) => (
					<tr key={k.purpose}>
						<td><b>{t(trust[k.purpose])}</b></td>
						<td class="wide"><State look={k.good ? "run" : "stop"}>{t(k.good ? trust.good : k.trouble ? trust.bad : trust.missing)}</State>{k.trouble && <><br /><small style={{ color: "var(--stop)" }}>{said(k.trouble)}</small></>}</td>
						<td class="wide mono" style={{ overflowWrap: "anywhere" }}>{k.fingerprint ? print(k.fingerprint) : "–"}</td>
						<td class="wide">{k.certificate && untilText(k.certificate, now)}{k.certificate && <br />}<small>{t(trust[k.renewal])}</small></td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

export function TrustPage() {
	const got = useGet<List<TrustItem>>("/api/v1/trust", { nouns: ["doc"], every: TRUST_MS }), keys = useGet<List<NodeKey>>("/api/v1/keys", { every: 60_000 });
	const [error, setError] = useState<ApiError | null>(null);
	const act: Act = (f) => {
		setError(null);
		f().then(got.again, (e: unknown) => setError(e instanceof ApiError ? e : new ApiError(null, "", 0)));
	};
	const all = got.data?.items ?? [], waiting = all.filter((x) => x.state === "waiting"), known = all.filter((x) => x.state !== "waiting"), own = keys.data?.items ?? [];
	const bad = own.some((k) => !k.good);
	const title = !got.data ? t(trust.page) : waiting.length === 1 ? t(trust.leadWaitOne, { name: peerOf(waiting[0]!) || called(waiting[0]!) }) : waiting.length ? t(trust.leadWait, { n: waiting.length }) : t(bad ? trust.leadBad : trust.leadFine);
	return (
		<>
			<Lead page={t(trust.page)} crumb={<a href={href("settings")}>{t(settings.crumb)}</a>} title={title}>{t(waiting.length ? trust.leadWaitMore : trust.leadFineMore)}</Lead>
			<div class="stack">
				{error && <section class="sheet"><Problem error={error} /></section>}
				{waiting.length > 0 && (
					<section class="sheet">
						<header><h2>{t(trust.waiting)}</h2><small>{number(waiting.length)}</small></header>
						{waiting.map((x) => <WaitingOne key={x.fingerprint} x={x} act={act} />)}
					</section>
				)}
				<section class="sheet">
					<header><h2>{t(trust.known)}</h2><small>{got.data ? number(known.length) : ""}</small></header>
					{got.error && !got.data ? <Problem error={got.error} again={got.again} /> : !got.data ? <Waiting /> : !known.length ? <p class="small">{t(trust.none)}</p> : null}
					{known.length > 0 && (
						<table class="cards-phone">
							<thead><tr><th>{t(trust.subject)}</th><th>{t(trust.purposes)}</th><th>{t(trust.state)}</th><th>{t(trust.until)}</th><th><span class="sr">{t(trust.acts)}</span></th></tr></thead>
							<tbody>{known.map((x) => <KnownRow key={x.fingerprint} x={x} act={act} />)}</tbody>
						</table>
					)}
				</section>
				<section class="sheet">
					<header><h2>{t(trust.add)}</h2></header>
					<Add act={act} />
				</section>
				<section class="sheet">
					<header><h2>{t(trust.keys)}</h2></header>
					{keys.error && !keys.data ? <Problem error={keys.error} again={keys.again} /> : !keys.data ? <Waiting /> : <Keys list={own} />}
				</section>
			</div>
		</>
	);
}
