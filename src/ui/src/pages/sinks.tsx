/* Settings: where data go by themselves, and how far each receiver has got. For owners. */
import { useState } from "preact/hooks";
import { ApiError, del, get, post, put, useGet } from "../api";
import { duration, number } from "../format";
import { said, t, type Word } from "../i18n";
import { Lead, note, Problem, State, Waiting, type Look } from "../parts/basic";
import { href } from "../router";
import type { List, Sink, SinkAside, SinkTest } from "../types";
import { frame } from "../words/frame";
import { settings } from "../words/settings";
import { sinks } from "../words/sinks";
import { trust } from "../words/trust";

const SINKS_MS = 3000;
const TOPICS: readonly [string, Word][] = [
	["lots", sinks.lots], ["links", sinks.links], ["operations", sinks.operations], ["events", sinks.events], ["characteristics", sinks.characteristics],
	["cases", sinks.cases], ["states", sinks.states], ["assets", sinks.assets], ["signals", sinks.signals], ["changes", sinks.changes],
];
const topicWords = (what: readonly string[]): string => TOPICS.filter(([k]) => what.includes(k)).map(([, w]) => t(w)).join(", ");
const path = (name: string): string => `/api/v1/sinks/${encodeURIComponent(name)}`;
const originOf = (url: string): string => {
	try {
		return new URL(url).host;
	} catch {
		return url;
	}
};
const isBad = (s: Sink): boolean => s.config?.enabled !== false && Boolean(s.status?.trouble);

/* What somebody in the office would say of it. */
export function sinkState(s: Sink): { look: Look; text: string } {
	const st = s.status;
	if (s.config?.enabled === false) return { look: "plan", text: t(sinks.off) };
	if (!st) return { look: "none", text: t(settings.unknown) };
	if (st.trouble && st.state === "waiting") return { look: "stop", text: t(sinks.again, { time: duration(Math.max(1, st.wait_s) * 1000) }) };
	if (st.state === "stopped" || st.state === "off") return { look: "stop", text: t(sinks.blocked) };
	return st.pending ? { look: "wait", text: t(sinks.sending, { n: st.pending }) } : { look: "run", text: t(sinks.all) };
}

function Aside({ name, act }: { name: string; act: (f: () => Promise<unknown>) => void }) {
	const got = useGet<List<SinkAside>>(`${path(name)}/aside?limit=1000`, { every: SINKS_MS });
	const list = got.data?.items ?? [];
	const tell = (f: () => Promise<unknown>): void => act(() => f().then(got.again));
	return (
		<>
			<p class="small">{t(sinks.asideMore)}</p>
			{list.map((a) => (
				<div key={a.id} class="acts" style={{ justifyContent: "space-between", padding: "4px 0" }}>
					<span><b>{a.key ?? number(a.number)}</b> <small>{t(sinks.refusal)}: {a.status} {a.reason}</small></span>
					{a.again ? (
						<small>{t(sinks.goes)}</small>
					) : (
						<span class="acts">
							<button class="btn tight" aria-label={`${t(sinks.retry)} ${a.key ?? a.number}`} onClick={() => tell(() => post(`${path(name)}/aside/${a.id}/retry`, {}))}>{t(sinks.retry)}</button>
							<button class="btn tight plain" aria-label={`${t(sinks.drop)} ${a.key ?? a.number}`} onClick={() => tell(() => del(`${path(name)}/aside/${a.id}`))}>{t(sinks.drop)}</button>
						</span>
					)}
				</div>
			))}
		</>
	);
}

function SinkRow({ s, act }: { s: Sink; act: (f: () => Promise<unknown>) => void }) {
	const [open, setOpen] = useState(false);
	const look = sinkState(s), st = s.status, c = s.config;
	const set = async (enabled: boolean): Promise<void> => {
		/* What was read holds no token and needs none: left out, it stays. */
		const { token: _, ...rest } = (await get<List<Sink>>("/api/v1/sinks")).items.find((x) => x.name === s.name)!.config!;
		await put(path(s.name), { ...rest, enabled });
	};
	return (
		<>
			<tr>
				<td><b>{s.name}</b>{c && <><br /><small class="dim">{originOf(c.url)}</small></>}</td>
				<td class="wide">{c ? topicWords(c.what) : "–"}</td>
				<td class="wide">
					<State look={look.look}>{look.text}</State>
					{isBad(s) && <><br /><small style={{ color: "var(--stop)" }}>{said(st!.trouble!)}</small></>}
					{isBad(s) && st!.trouble!.code.startsWith("trust_") && <><br /><a class="link" href={href("settings", "trust")}>{t(trust.open)}</a></>}
					{isBad(s) && st!.pending > 0 && st!.oldest_age_s !== null && <><br /><small>{t(sinks.waits, { n: st!.pending, time: duration(st!.oldest_age_s * 1000) })}</small></>}
					{st && st.skipped > 0 && <><br /><small>{t(sinks.skipped, { n: st.skipped })}</small></>}
				</td>
				<td class="num off-phone live">{st ? number(st.sent) : "–"}</td>
				<td class="wide">
					<div class="acts">
						{st && st.aside > 0 && <button class="btn tight" aria-expanded={open} onClick={() => setOpen(!open)}>{t(sinks.aside, { n: st.aside })}</button>}
						<button
							class="btn tight"
							aria-label={`${t(sinks.test)} ${s.name}`}
							onClick={() =>
								act(async () => {
									const r = await post<SinkTest>(`${path(s.name)}/test`, {});
									note(r.ok ? t(sinks.testGood, { name: s.name, time: `${number(r.took_ms)} ms` }) : said(r.trouble!));
								})}
						>
							{t(sinks.test)}
						</button>
						{c && <button class="btn tight" aria-label={`${t(c.enabled ? sinks.disable : sinks.enable)} ${s.name}`} onClick={() => act(() => set(!c.enabled))}>{t(c.enabled ? sinks.disable : sinks.enable)}</button>}
						<button class="btn tight plain" aria-label={`${t(frame.remove)} ${s.name}`} onClick={() => act(() => del(path(s.name)))}>{t(frame.remove)}</button>
					</div>
				</td>
			</tr>
			{open && <tr><td colSpan={5} class="wide"><Aside name={s.name} act={act} /></td></tr>}
		</>
	);
}

function NewSink({ act }: { act: (f: () => Promise<unknown>) => void }) {
	const [name, setName] = useState(""), [url, setUrl] = useState(""), [token, setToken] = useState(""), [what, setWhat] = useState<readonly string[]>(["lots", "links", "events"]);
	return (
		<form
			class="fields"
			onSubmit={(e) => {
				e.preventDefault();
				act(async () => {
					await put(path(name), { url, what, ...(token ? { token } : {}) });
					setName("");
					setUrl("");
					setToken("");
				});
			}}
		>
			<label class="field"><span>{t(sinks.name)}</span><input type="text" value={name} maxLength={64} autocomplete="off" spellcheck={false} required onInput={(e) => setName(e.currentTarget.value)} /></label>
			<label class="field"><span>{t(sinks.address)}</span><input type="url" value={url} maxLength={1024} autocomplete="off" spellcheck={false} required onInput={(e) => setUrl(e.currentTarget.value)} /><small>{t(sinks.addressMore)}</small></label>
			<label class="field"><span>{t(sinks.token)}</span><input type="password" value={token} maxLength={4096} autocomplete="off" onInput={(e) => setToken(e.currentTarget.value)} /><small>{t(sinks.tokenMore)}</small></label>
			<div style={{ display: "flex", flexWrap: "wrap", gap: "4px 16px", gridColumn: "1 / -1" }} role="group" aria-label={t(sinks.what)}>
				{TOPICS.map(([k, w]) => (
					<label key={k} class="check">
						<input type="checkbox" checked={what.includes(k)} onChange={(e) => setWhat(e.currentTarget.checked ? [...what, k] : what.filter((x) => x !== k))} />
						{t(w)}
					</label>
				))}
			</div>
			{url && what.length > 0 && <p class="small" style={{ gridColumn: "1 / -1" }}>{t(sinks.leaves, { what: topicWords(what), to: originOf(url) })}</p>}
			<div class="acts" style={{ alignSelf: "end" }}><button class="btn go" disabled={!what.length}>{t(sinks.save)}</button></div>
		</form>
	);
}

export function SinksPage() {
	const got = useGet<List<Sink>>("/api/v1/sinks", { nouns: ["doc"], every: SINKS_MS });
	const [error, setError] = useState<ApiError | null>(null);
	const act = (f: () => Promise<unknown>): void => {
		setError(null);
		f().then(got.again, (e: unknown) => setError(e instanceof ApiError ? e : new ApiError(null, "", 0)));
	};
	const list = got.data?.items ?? [], bad = list.filter(isBad), on = list.filter((s) => s.config?.enabled !== false);
	const title = !got.data ? t(sinks.page) : !list.length ? t(sinks.leadNone) : bad.length === 1 ? t(sinks.leadBadOne, { name: bad[0]!.name }) : bad.length ? t(sinks.leadBad, { n: bad.length }) : on.length ? t(sinks.leadFine, { n: on.length }) : t(sinks.leadOff);
	return (
		<>
			<Lead page={t(sinks.page)} crumb={<a href={href("settings")}>{t(settings.crumb)}</a>} title={title}>
				{bad.length === 1 ? said(bad[0]!.status!.trouble!) : t(got.data && !list.length ? sinks.leadNoneMore : sinks.leadMore)}
			</Lead>
			<div class="stack">
				<section class="sheet">
					<header><h2>{t(sinks.list)}</h2><small>{got.data ? number(list.length) : ""}</small></header>
					{got.error && !got.data ? <Problem error={got.error} again={got.again} /> : !got.data ? <Waiting /> : null}
					{list.length > 0 && (
						<table class="cards-phone">
							<thead><tr><th>{t(sinks.name)}</th><th>{t(sinks.what)}</th><th>{t(sinks.state)}</th><th class="num">{t(sinks.sent)}</th><th><span class="sr">{t(sinks.acts)}</span></th></tr></thead>
							<tbody>{list.map((s) => <SinkRow key={s.name} s={s} act={act} />)}</tbody>
						</table>
					)}
					{error && <Problem error={error} />}
				</section>
				<section class="sheet">
					<header><h2>{t(sinks.add)}</h2></header>
					<NewSink act={act} />
				</section>
			</div>
		</>
	);
}
