/* Settings: who is behind a pseudonym, and erasing a name. By pseudonym, which is random: nobody is ranked. */
import { useRef, useState } from "preact/hooks";
import { ApiError, del, post, query, send, useGet } from "../api";
import { bytes, number, timeText } from "../format";
import { t } from "../i18n";
import { useNow } from "../live";
import { Lead, note, Problem, Waiting } from "../parts/basic";
import { href } from "../router";
import { may, useSession } from "../session";
import type { Erasure, List, Person, PersonFiles, PersonRow } from "../types";
import { objects, people } from "../words/people";
import { settings } from "../words/settings";

const path = (code: string): string => `/api/v1/people/${encodeURIComponent(code)}`;

/* What was destroyed, by whom, and where it has yet to be. */
function Evidence({ code }: { code: string }) {
	const got = useGet<Person>(path(code));
	const now = useNow();
	const e = got.data?.erasure;
	if (got.error && !got.data) return <Problem error={got.error} again={got.again} />;
	if (!e) return <Waiting />;
	return (
		<dl class="facts">
			<dt>{t(people.when)}</dt><dd>{timeText(e.done ?? e.begun, now)}</dd>
			<dt>{t(people.who)}</dt><dd>{e.who}</dd>
			<dt>{t(people.reason)}</dt><dd>{e.reason}</dd>
			<Found list={e.found} searched={e.searched} />
			<dt>{t(people.targets)}</dt>
			<dd>
				{!e.targets.length && t(people.noTargets)}
				{e.targets.map((x) => <div key={x.target}><span class="mono">{x.target}</span> <span class={x.done ? "tag good" : "tag bad"}>{t(x.done ? people.done : people.waits)}</span></div>)}
			</dd>
		</dl>
	);
}

type Place = Erasure["found"][number];

/* Where one can go and look; the rest is told by what it is. */
function where(p: Place): string | null {
	const slash = p.key.indexOf("/");
	if (p.object === "case") return href("cases", p.key);
	if (p.object === "import") return href("imports", p.key);
	if (p.object === "asset" && !/^[0-9a-f-]{36}$/.test(p.key)) return href("assets", p.key);
	return p.object === "lot" && slash > 0 ? href("lots", p.key.slice(0, slash), p.key.slice(slash + 1)) : null;
}

/* What still says the name: work for the owner, nothing was changed. */
function Found({ list, searched }: { list: Place[]; searched: boolean | null }) {
	return (
		<>
			<dt>{t(people.found)}</dt>
			<dd>
				{searched === null ? t(people.notSearched) : !list.length && t(people.foundNone)}
				{list.map((p) => {
					const to = where(p), what = `${t(objects[p.object] ?? people.other)} ${p.key}`;
					return <div key={`${p.object} ${p.key} ${p.field}`}>{to ? <a class="link" href={to}>{what}</a> : what} <span class="dim mono">{p.field}</span></div>;
				})}
				{searched === false && <div>{t(people.foundMore)}</div>}
			</dd>
		</>
	);
}

function Erase({ code, done }: { code: string; done: () => void }) {
	const [reason, setReason] = useState(""), [error, setError] = useState<ApiError | null>(null), [busy, setBusy] = useState(false);
	return (
		<form
			class="fields"
			onSubmit={(e) => {
				e.preventDefault();
				setBusy(true);
				setError(null);
				post<Person>(`${path(code)}/erase`, { reason }).then(
					() => {
						note(t(people.erased, { code }));
						done();
					},
					(x: unknown) => {
						setBusy(false);
						setError(x instanceof ApiError ? x : new ApiError(null, "", 0));
					},
				);
			}}
		>
			<p class="small">{t(people.eraseMore, { code })}</p>
			<label class="field">
				<span>{t(people.reason)}</span>
				<input type="text" value={reason} maxLength={300} autocomplete="off" required onInput={(e) => setReason(e.currentTarget.value)} />
				<small>{t(people.reasonMore)}</small>
			</label>
			{error && <Problem error={error} />}
			<div class="acts" style={{ alignSelf: "end" }}><button class="btn" disabled={busy || !reason.trim()}>{t(people.eraseNow, { code })}</button></div>
		</form>
	);
}

const TYPES = "image/jpeg,image/png,image/webp,application/pdf";

/* Pictures and papers that show or name the person: opened for those who see names, and gone with the name. */
function Files({ code }: { code: string }) {
	const got = useGet<PersonFiles>(`${path(code)}/files`);
	const now = useNow();
	const [busy, setBusy] = useState(false), [error, setError] = useState<ApiError | null>(null);
	const input = useRef<HTMLInputElement>(null);
	const list = got.data?.items ?? [], erased = got.data?.erased ?? null, can = erased === null && may("people");
	const tell = (x: unknown) => setError(x instanceof ApiError ? x : new ApiError(null, "", 0));
	const add = (file: File | undefined) => {
		if (!file) return;
		setBusy(true);
		setError(null);
		send(`${path(code)}/files${query({ name: file.name.normalize("NFC") })}`, file)
			.then(() => {
				note(t(people.fileAdded));
				got.again();
			}, tell)
			.finally(() => setBusy(false));
	};
	const remove = (id: string) => {
		setError(null);
		del(`${path(code)}/files/${id}`).then(() => {
			note(t(people.fileRemoved));
			got.again();
		}, tell);
	};
	if (got.error && !got.data) return <Problem error={got.error} again={got.again} />;
	if (!got.data) return <Waiting />;
	return (
		<div>
			{erased !== null && list.length > 0 && <p class="small">{t(people.filesErased, { t: timeText(erased, now) })}</p>}
			{!list.length && <p class="small dim">{t(people.filesNone)}</p>}
			{list.map((x) => {
				const name = x.name ?? t(erased !== null ? people.gone : people.hidden);
				return (
					<div key={x.file} class="acts" style={{ justifyContent: "flex-start", alignItems: "baseline", padding: "4px 0" }}>
						{can ? <a class="link" href={`${path(code)}/files/${x.file}`} target="_blank" rel="noreferrer">{name}</a> : <span class="dim">{name}</span>}
						<small class="dim">{bytes(x.size)} · {timeText(x.t, now)} · {x.who}</small>
						{can && <button class="btn tight plain" aria-label={`${t(people.fileRemove)} ${name}`} onClick={() => remove(x.file)}>{t(people.fileRemove)}</button>}
					</div>
				);
			})}
			{error && <Problem error={error} />}
			{can && (
				<div class="acts" style={{ justifyContent: "flex-start", alignItems: "baseline", paddingTop: "8px" }}>
					<button class="btn tight" disabled={busy} onClick={() => input.current?.click()}>{t(busy ? people.fileAdding : people.fileAdd)}</button>
					<small class="dim">{t(people.filesMore)}</small>
					<input
						ref={input}
						type="file"
						class="sr"
						tabIndex={-1}
						aria-label={t(people.fileAdd)}
						accept={TYPES}
						onChange={(e) => {
							add(e.currentTarget.files?.[0]);
							e.currentTarget.value = "";
						}}
					/>
				</div>
			)}
		</div>
	);
}

function Row({ p, again }: { p: PersonRow; again: () => void }) {
	const [open, setOpen] = useState(false), [files, setFiles] = useState(false);
	const erased = p.erased !== null, can = !erased && may("erase");
	return (
		<>
			<tr>
				<td class="mono">{p.pseudonym}</td>
				<td>{p.name !== null ? <b>{p.name}</b> : <span class="dim">{t(erased ? people.gone : people.hidden)}</span>}</td>
				<td>{erased ? <span class="tag">{t(people.gone)}</span> : <span class="tag good">{t(people.known)}</span>}</td>
				<td class="wide">
					<div class="acts">
						<button class="btn tight plain" aria-expanded={files} aria-label={`${t(people.files)} ${p.pseudonym}`} onClick={() => setFiles(!files)}>{t(people.files)}</button>
						{(can || erased) && <button class="btn tight plain" aria-expanded={open} aria-label={`${t(erased ? people.evidence : people.erase)} ${p.pseudonym}`} onClick={() => setOpen(!open)}>{t(erased ? people.evidence : people.erase)}</button>}
					</div>
				</td>
			</tr>
			{files && <tr><td colSpan={4} class="wide"><Files code={p.pseudonym} /></td></tr>}
			{open && <tr><td colSpan={4} class="wide">{erased ? <Evidence code={p.pseudonym} /> : <Erase code={p.pseudonym} done={again} />}</td></tr>}
		</>
	);
}

function Add({ again }: { again: () => void }) {
	const [name, setName] = useState(""), [error, setError] = useState<ApiError | null>(null);
	return (
		<form
			class="fields"
			onSubmit={(e) => {
				e.preventDefault();
				setError(null);
				post<Person>("/api/v1/people", { name }).then(
					(p) => {
						note(t(people.made, { code: p.pseudonym }));
						setName("");
						again();
					},
					(x: unknown) => setError(x instanceof ApiError ? x : new ApiError(null, "", 0)),
				);
			}}
		>
			<label class="field"><span>{t(people.newName)}</span><input type="text" value={name} maxLength={80} autocomplete="off" spellcheck={false} required onInput={(e) => setName(e.currentTarget.value)} /></label>
			{error && <Problem error={error} />}
			<div class="acts" style={{ alignSelf: "end" }}><button class="btn">{t(people.add)}</button></div>
		</form>
	);
}

export function PeoplePage() {
	const got = useGet<List<PersonRow>>("/api/v1/people?limit=1000");
	useSession(); /* what may be done follows who one is */
	const list = got.data?.items ?? [];
	return (
		<>
			<Lead page={t(people.page)} crumb={<a href={href("settings")}>{t(settings.crumb)}</a>} title={!got.data ? t(people.page) : list.length ? t(people.lead, { n: list.length }) : t(people.leadNone)}>
				{t(people.leadMore)}
			</Lead>
			<section class="sheet">
				<header><h2>{t(people.page)}</h2><small>{got.data ? number(list.length) : ""}</small></header>
				{got.error && !got.data ? <Problem error={got.error} again={got.again} /> : !got.data ? <Waiting /> : null}
				{list.length > 0 && (
					<table class="cards-phone">
						<thead><tr><th>{t(people.pseudonym)}</th><th>{t(people.name)}</th><th>{t(people.state)}</th><th><span class="sr">{t(people.acts)}</span></th></tr></thead>
						<tbody>{list.map((p) => <Row key={`${p.pseudonym}${p.erased ?? ""}`} p={p} again={got.again} />)}</tbody>
					</table>
				)}
				{got.data && may("people") && <div style={{ paddingTop: "14px" }}><Add again={got.again} /></div>}
			</section>
		</>
	);
}
