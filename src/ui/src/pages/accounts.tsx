/* Settings: who may log in with which role, and the tokens of programs. For owners. */
import { useState } from "preact/hooks";
import { ApiError, del, post, put, useGet } from "../api";
import { number, timeText } from "../format";
import { t, type Word } from "../i18n";
import { useNow } from "../live";
import { Lead, note, Problem, Waiting } from "../parts/basic";
import { href } from "../router";
import { useSession } from "../session";
import type { Account, List, Role, Token } from "../types";
import { accounts } from "../words/accounts";
import { frame } from "../words/frame";
import { login } from "../words/login";
import { settings } from "../words/settings";

const ROLES: readonly Role[] = ["owner", "production", "quality", "operator", "read_only", "vendor"];
const RIGHTS: readonly [string, Word][] = [["write", accounts.write], ["machines", accounts.machines], ["read", accounts.read], ["records", accounts.records], ["metrics", accounts.metrics]];
const rightWord = (r: string): string => {
	const w = RIGHTS.find(([k]) => k === r)?.[1];
	return w ? t(w) : r;
};
const path = (name: string): string => `/api/v1/accounts/${encodeURIComponent(name)}`;

type Tried = { act: (f: () => Promise<unknown>) => void; error: ApiError | null };
function useTry(done: () => void): Tried {
	const [error, set] = useState<ApiError | null>(null);
	return {
		error,
		act: (f) => {
			set(null);
			f().then(done, (e: unknown) => set(e instanceof ApiError ? e : new ApiError(null, "", 0)));
		},
	};
}

function Password({ label, value, onSet, old = false }: { label: Word; value: string; onSet: (v: string) => void; old?: boolean }) {
	return (
		<label class="field">
			<span>{t(label)}</span>
			<input type="password" autocomplete={old ? "current-password" : "new-password"} value={value} minLength={old ? 1 : 10} maxLength={1024} required onInput={(e) => onSet(e.currentTarget.value)} />
			{!old && <small>{t(accounts.passwordMore)}</small>}
		</label>
	);
}

function ChangePassword({ name, own, act }: { name: string; own: boolean; act: Tried["act"] }) {
	const [password, setPassword] = useState(""), [old, setOld] = useState("");
	return (
		<form
			class="fields"
			onSubmit={(e) => {
				e.preventDefault();
				act(async () => {
					await put(`${path(name)}/password`, own ? { password, old } : { password });
					note(t(accounts.passwordSet, { name }));
				});
			}}
		>
			{own && <Password label={accounts.oldPassword} value={old} onSet={setOld} old />}
			<Password label={accounts.newPassword} value={password} onSet={setPassword} />
			<div class="acts" style={{ alignSelf: "end" }}><button class="btn tight">{t(accounts.setPassword)}</button></div>
		</form>
	);
}

function AccountRow({ a, me, act }: { a: Account; me: string | null; act: Tried["act"] }) {
	const [open, setOpen] = useState(false);
	return (
		<>
			<tr>
				<td><b>{a.name}</b></td>
				<td>
					<select aria-label={`${t(accounts.role)} ${a.name}`} value={a.role} onChange={(e) => act(() => put(path(a.name), { role: e.currentTarget.value }))}>
						{ROLES.map((r) => <option key={r} value={r}>{t(login[r])}</option>)}
					</select>
				</td>
				<td>{a.disabled ? <span class="tag bad">{t(accounts.disabled)}</span> : <span class="tag good">{t(accounts.able)}</span>}</td>
				<td class="wide">
					<div class="acts">
						<button class="btn tight" aria-expanded={open} onClick={() => setOpen(!open)}>{t(accounts.setPassword)}</button>
						<button class="btn tight" onClick={() => act(() => put(path(a.name), { disabled: !a.disabled }))}>{t(a.disabled ? accounts.enable : accounts.disable)}</button>
						<button class="btn tight plain" aria-label={`${t(frame.remove)} ${a.name}`} onClick={() => act(() => del(path(a.name)))}>{t(frame.remove)}</button>
					</div>
				</td>
			</tr>
			{open && <tr><td colSpan={4} class="wide"><ChangePassword name={a.name} own={a.name === me} act={(f) => act(() => f().then(() => setOpen(false)))} /></td></tr>}
		</>
	);
}

function NewAccount({ first, act }: { first: boolean; act: Tried["act"] }) {
	const [name, setName] = useState(""), [password, setPassword] = useState(""), [role, setRole] = useState<Role>(first ? "owner" : "operator");
	return (
		<form
			class="fields"
			onSubmit={(e) => {
				e.preventDefault();
				act(async () => {
					await put(path(name), { role: first ? "owner" : role, password });
					setName("");
					setPassword("");
				});
			}}
		>
			<label class="field"><span>{t(accounts.name)}</span><input type="text" value={name} maxLength={64} autocomplete="off" spellcheck={false} required onInput={(e) => setName(e.currentTarget.value)} /></label>
			<label class="field">
				<span>{t(accounts.role)}</span>
				<select value={first ? "owner" : role} disabled={first} onChange={(e) => setRole(e.currentTarget.value as Role)}>
					{ROLES.map((r) => <option key={r} value={r}>{t(login[r])}</option>)}
				</select>
			</label>
			<Password label={accounts.password} value={password} onSet={setPassword} />
			<div class="acts" style={{ alignSelf: "end" }}><button class="btn go">{t(accounts.add)}</button></div>
		</form>
	);
}

function Tokens() {
	const got = useGet<List<Token>>("/api/v1/tokens?limit=1000");
	const now = useNow();
	const tried = useTry(got.again);
	const [name, setName] = useState(""), [rights, setRights] = useState<readonly string[]>(["write"]), [made, setMade] = useState<{ name: string; token: string } | null>(null);
	const list = got.data?.items ?? [];
	return (
		<section class="sheet">
			<header><h2>{t(accounts.tokens)}</h2><small>{number(list.filter((x) => !x.revoked).length)}</small></header>
			<p class="small">{t(accounts.tokensMore)}</p>
			{got.error && !got.data && <Problem error={got.error} again={got.again} />}
			{got.data && !list.length && <p class="small">{t(accounts.noTokens)}</p>}
			{list.length > 0 && (
				<table class="cards-phone">
					<thead><tr><th>{t(accounts.name)}</th><th>{t(accounts.rights)}</th><th>{t(accounts.lastUsed)}</th><th><span class="sr">{t(accounts.acts)}</span></th></tr></thead>
					<tbody>
						{list.map((x) => (
							<tr key={x.id}>
								<td><b>{x.name}</b></td>
								<td class="wide">{x.role ? t(login[x.role]) : (x.permissions ?? "").split(",").map(rightWord).join(", ")}</td>
								<td><small>{x.seen ? timeText(x.seen, now) : t(accounts.never)}</small></td>
								<td class="num">
									{x.revoked ? <span class="tag">{t(accounts.revoked)}</span> : <button class="btn tight" aria-label={`${t(accounts.revoke)} ${x.name}`} onClick={() => tried.act(() => del(`/api/v1/tokens/${x.id}`))}>{t(accounts.revoke)}</button>}
								</td>
							</tr>
						))}
					</tbody>
				</table>
			)}
			{made && (
				<div class="once" role="status">
					<p>{t(accounts.shown, { name: made.name })}</p>
					<code class="mono">{made.token}</code>
					<button class="btn tight" onClick={() => void navigator.clipboard.writeText(made.token).then(() => note(t(accounts.copied)))}>{t(accounts.copy)}</button>
				</div>
			)}
			{tried.error && <Problem error={tried.error} />}
			<form
				style={{ paddingTop: "12px", display: "grid", gap: "10px" }}
				onSubmit={(e) => {
					e.preventDefault();
					tried.act(async () => {
						setMade(await post<{ name: string; token: string }>("/api/v1/tokens", { name, permissions: rights }));
						setName("");
					});
				}}
			>
				<label class="field"><span>{t(accounts.name)}</span><input type="text" value={name} maxLength={64} autocomplete="off" spellcheck={false} required onInput={(e) => setName(e.currentTarget.value)} /></label>
				<div style={{ display: "flex", flexWrap: "wrap", gap: "4px 16px" }} role="group" aria-label={t(accounts.rights)}>
					{RIGHTS.map(([k, w]) => (
						<label key={k} class="check">
							<input type="checkbox" checked={rights.includes(k)} onChange={(e) => setRights(e.currentTarget.checked ? [...rights, k] : rights.filter((r) => r !== k))} />
							{t(w)}
						</label>
					))}
				</div>
				<div class="acts"><button class="btn" disabled={!rights.length}>{t(accounts.addToken)}</button></div>
			</form>
		</section>
	);
}

export function AccountsPage() {
	const got = useGet<List<Account>>("/api/v1/accounts?limit=1000");
	const { session } = useSession();
	const tried = useTry(got.again);
	const list = got.data?.items ?? [], none = got.data !== null && !list.length, able = list.filter((a) => !a.disabled).length;
	return (
		<>
			<Lead page={t(accounts.page)} crumb={<a href={href("settings")}>{t(settings.crumb)}</a>} title={!got.data ? t(accounts.page) : none ? t(accounts.leadNone) : t(accounts.lead, { n: able })}>
				{t(none ? accounts.leadNoneMore : accounts.leadMore)}
			</Lead>
			<div class="cols main-side">
				<section class="sheet">
					<header><h2>{t(accounts.accounts)}</h2><small>{got.data ? number(list.length) : ""}</small></header>
					{got.error && !got.data ? <Problem error={got.error} again={got.again} /> : !got.data ? <Waiting /> : null}
					{list.length > 0 && (
						<table class="cards-phone">
							<thead><tr><th>{t(accounts.name)}</th><th>{t(accounts.role)}</th><th>{t(accounts.state)}</th><th><span class="sr">{t(accounts.acts)}</span></th></tr></thead>
							<tbody>{list.map((a) => <AccountRow key={a.name} a={a} me={session?.account ?? null} act={tried.act} />)}</tbody>
						</table>
					)}
					{tried.error && <Problem error={tried.error} />}
					{got.data && <div style={{ paddingTop: "14px" }}><NewAccount first={none} act={tried.act} /></div>}
				</section>
				<Tokens />
			</div>
		</>
	);
}
