/* The frame around every page: rail, top bar, connection. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { logOut, useGet } from "../api";
import { clockText, dateText } from "../format";
import { lang, setLang, t } from "../i18n";
import { clockMode, useLink, useNow } from "../live";
import { useRoute } from "../router";
import { may, useSession } from "../session";
import { setTheme, useTheme, type Theme } from "../theme";
import type { Case, List, NodeInfo, Session } from "../types";
import { frame } from "../words/frame";
import { login } from "../words/login";
import { Notes } from "./basic";
import { DropAnywhere } from "./drop";
import { Find } from "./find";
import { icons, Mark } from "./icons";

const rail = [
	["today", "/"],
	["assets", "/assets"],
	["lots", "/lots"],
	["cases", "/cases"],
	["imports", "/imports"],
	["settings", "/settings"],
] as const;

function Clock() {
	const now = useNow();
	const c = clockMode();
	const demo = c !== null && c.mode !== "real", fast = demo && !(c.mode === "scaled" && c.scale <= 1);
	return (
		<span class="clock" title={t(frame.clock)}>
			<small class="day">{dateText(now)}</small>
			<time class="live" aria-label={t(frame.clock)}>{clockText(now, !fast)}</time>
			{demo && <small class="tag demo">{c.mode === "scaled" ? (fast ? t(frame.demoScaled, { n: c.scale }) : t(frame.demo)) : t(frame.demoStepped)}</small>}
		</span>
	);
}

export function Pickers() {
	const { theme } = useTheme();
	const themes: [Theme, "themeAuto" | "themeLight" | "themeDark", keyof typeof icons][] = [
		["auto", "themeAuto", "auto"],
		["light", "themeLight", "sun"],
		["dark", "themeDark", "moon"],
	];
	return (
		<>
			<div class="pick theme" role="group" aria-label={t(frame.theme)}>
				{themes.map(([k, w, i]) => (
					<button key={k} aria-pressed={theme === k} aria-label={t(frame[w])} title={t(frame[w])} onClick={() => setTheme(k)}>
						{icons[i]}
					</button>
				))}
			</div>
			<div class="pick lang" role="group" aria-label={t(frame.language)}>
				<button aria-pressed={lang() === "ko"} lang="ko" title={t(frame.korean)} aria-label={t(frame.korean)} onClick={() => setLang("ko")}>{t(frame.koreanShort)}</button>
				<button aria-pressed={lang() === "en"} lang="en" title={t(frame.english)} aria-label={t(frame.english)} onClick={() => setLang("en")}>{t(frame.englishShort)}</button>
			</div>
		</>
	);
}

function Who({ session }: { session: Session | null }) {
	if (!session?.account || !session.role) return null;
	return (
		<span class="who">
			<b>{session.account}</b>
			<small>{t(login[session.role])}</small>
			<button class="btn tight plain" onClick={() => void logOut()}>{t(login.out)}</button>
		</span>
	);
}

export function LostBar() {
	const link = useLink();
	if (link.lost === null) return null;
	return (
		<p class="bar-lost" role="status">
			<b>{t(frame.lost)}</b>
			{t(frame.lostMore, { t: clockText(link.lost, true) })}
		</p>
	);
}

export function Frame({ node, children }: { node: NodeInfo | null; children: ComponentChildren }) {
	const route = useRoute();
	const link = useLink();
	const [finding, setFinding] = useState(false);
	const { session } = useSession();
	const open = useGet<List<Case>>(may("read") ? "/api/v1/cases?state=open&limit=100" : null, { nouns: ["case"] });
	useEffect(() => {
		const f = (e: KeyboardEvent) => {
			const typing = (e.target as Element | null)?.closest?.("input, textarea, select");
			if (((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") || (e.key === "/" && !typing)) {
				e.preventDefault();
				setFinding(true);
			}
		};
		addEventListener("keydown", f);
		return () => removeEventListener("keydown", f);
	}, []);
	const here = route.parts[0] === undefined ? "today" : route.parts[0] === "series" ? "assets" : route.parts[0];
	const page = rail.find(([k]) => k === here)?.[0];
	const n = open.data?.items.length ?? 0;
	return (
		<div class={`app${link.lost === null ? "" : " lost-now"}`}>
			<a
				class="skip"
				href="#main"
				onClick={(e) => {
					e.preventDefault();
					document.getElementById("main")?.focus();
				}}
			>
				{t(frame.skip)}
			</a>
			<header class="top">
				<a class="mark" href="/" aria-label={t(frame.product)}>
					<Mark />
					<span>{t(frame.product)}</span>
				</a>
				<div class="where">
					<b>{node?.name ?? ""}</b>
					<small>{page ? t(frame[page]) : ""}</small>
				</div>
				<button class="find-open" onClick={() => setFinding(true)} aria-label={t(frame.findShort)} aria-keyshortcuts="Control+K">
					{icons.find}
					<span>{t(frame.find)}</span>
					<kbd>{t(frame.findKeys)}</kbd>
				</button>
				<Clock />
				<Pickers />
				<Who session={session} />
			</header>
			<nav class="rail" aria-label={t(frame.rail)}>
				<ul>
					{rail.filter(([k]) => may("read") || k === "assets" || k === "settings").map(([k, to]) => (
						<li key={k}>
							<a href={to} aria-current={here === k ? "page" : undefined}>
								{icons[k]}
								{t(frame[k])}
								{k === "cases" && n > 0 && (
									<span class="n" aria-label={t(frame.openCases, { n })}>
										{n > 99 ? "99+" : n}
									</span>
								)}
							</a>
						</li>
					))}
				</ul>
			</nav>
			<main id="main" tabIndex={-1}>
				<LostBar />
				{children}
			</main>
			{finding && <Find close={() => setFinding(false)} />}
			<DropAnywhere />
			<Notes />
		</div>
	);
}
