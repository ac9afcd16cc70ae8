/* The login: drawn in place of a page that the node answered with 401; the address stays, and with it where one was. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, post } from "../api";
import { said, t } from "../i18n";
import { Pickers } from "../parts/frame";
import { Mark } from "../parts/icons";
import { setSession } from "../session";
import type { Session } from "../types";
import { frame } from "../words/frame";
import { login } from "../words/login";

export function LoginPage() {
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState<string | null>(null);
	const name = useRef<HTMLInputElement>(null), password = useRef<HTMLInputElement>(null);
	useEffect(() => {
		document.title = `${t(login.title)} · ${t(frame.product)}`;
		name.current?.focus();
	}, []);
	const submit = async (e: Event) => {
		e.preventDefault();
		setBusy(true);
		setError(null);
		try {
			setSession(await post<Session>("/api/v1/session", { name: name.current!.value, password: password.current!.value }));
		} catch (x) {
			setError(x instanceof ApiError && x.detail ? said(x.detail) : t(login.unreachable));
			setBusy(false);
			password.current?.select();
		}
	};
	return (
		<div class="login">
			<header>
				<span class="mark"><Mark /><b>{t(frame.product)}</b></span>
				<Pickers />
			</header>
			<main id="main">
				<form class="sheet" onSubmit={(e) => void submit(e)}>
					<h1>{t(login.title)}</h1>
					<p class="dim">{t(login.lead)}</p>
					<label class="field"><span>{t(login.name)}</span><input ref={name} type="text" name="username" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} required /></label>
					<label class="field"><span>{t(login.password)}</span><input ref={password} type="password" name="password" autocomplete="current-password" maxLength={1024} required /></label>
					{error && <p class="login-error" role="alert">{error}</p>}
					<button class="btn go" disabled={busy}>{t(busy ? login.going : login.go)}</button>
					<p class="small">{t(login.forgot)}</p>
				</form>
			</main>
		</div>
	);
}
