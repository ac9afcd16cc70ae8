/* The page: frame, routes, what is asked for first. */
import { render } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { loadSession, prefetch, useGet, type ApiError } from "./api";
import { setZone } from "./format";
import { defaultLang, t, useLang } from "./i18n";
import { liveAgain, setClock, startLive } from "./live";
import { AccountsPage } from "./pages/accounts";
import { PeoplePage } from "./pages/people";
import { AssetPage, SeriesPage } from "./pages/asset";
import { AssetsPage } from "./pages/assets";
import { CasePage } from "./pages/case";
import { CasesPage } from "./pages/cases";
import { DevicePage } from "./pages/device";
import { ImportPage, ImportsPage } from "./pages/imports";
import { LoginPage } from "./pages/login";
import { LogPage } from "./pages/log";
import { LotPage } from "./pages/lot";
import { LotsPage } from "./pages/lots";
import { PhonePage } from "./pages/phone";
import { SettingsPage } from "./pages/settings";
import { SinksPage } from "./pages/sinks";
import { TrustPage } from "./pages/trust";
import { TodayPage } from "./pages/today";
import { WallPage } from "./pages/wall";
import { Frame } from "./parts/frame";
import { Empty, Problem } from "./parts/basic";
import { startRouter, useRoute, type Route } from "./router";
import { may, useSession } from "./session";
import { useTheme } from "./theme";
import type { NodeInfo } from "./types";
import { frame } from "./words/frame";
import "./style.css";

function Page({ route, node }: { route: Route; node: NodeInfo }) {
	const [a, b, c] = route.parts;
	if (a === undefined) return may("read") ? <TodayPage node={node} /> : <AssetsPage />;
	if (a === "assets") return b === undefined ? <AssetsPage /> : <AssetPage key={b} code={b} />;
	if (a === "series" && b !== undefined) return <SeriesPage id={b} />;
	if (a === "lots") return b !== undefined && c !== undefined ? <LotPage key={`${b}/${c}`} firm={b} number={c} /> : <LotsPage />;
	if (a === "cases") return b === undefined ? <CasesPage /> : <CasePage key={b} id={b} />;
	if (a === "imports") return b === undefined ? <ImportsPage /> : <ImportPage key={b} id={b} />;
	if (a === "settings" && b === "accounts") return <AccountsPage />;
	if (a === "settings" && b === "people") return <PeoplePage />;
	if (a === "settings" && b === "sinks") return <SinksPage />;
	if (a === "settings" && b === "trust") return <TrustPage />;
	if (a === "settings" && b === "log") return <LogPage />;
	if (a === "settings" && b === "phone") return <PhonePage />;
	if (a === "settings") return b === "devices" && c !== undefined ? <DevicePage key={c} name={c} /> : b === "devices" ? <DevicePage name={null} /> : <SettingsPage node={node} />;
	return <Empty title={t(frame.noPage)} acts={<a class="btn go" href="/">{t(frame.toToday)}</a>}>{t(frame.noPageMore)}</Empty>;
}

function App() {
	/* A new language or theme redraws everything from here: words and colours are read while drawing. */
	useLang();
	useTheme();
	const route = useRoute();
	const { needed } = useSession();
	const node = useGet<NodeInfo>(needed ? null : "/api/v1/node", { every: 60_000 });
	useMemo(() => {
		if (!node.data) return;
		setZone(node.data.zone);
		setClock({ ...node.data.clock, history: node.data.history });
	}, [node.data]);
	useEffect(() => {
		if (node.data) defaultLang(node.data.lang);
	}, [node.data]);
	const asked = useRef(false);
	useEffect(() => {
		if (asked.current && !needed) liveAgain();
		asked.current = needed;
	}, [needed]);
	if (needed) return <LoginPage />;
	const wall = route.parts.length === 0 && route.query.has("wall");
	const body = node.data ? wall ? <WallPage node={node.data} /> : <Page route={route} node={node.data} /> : node.error ? <Unreachable again={node.again} error={node.error} /> : null;
	return wall && node.data ? body : <Frame node={node.data}>{body}</Frame>;
}

function Unreachable({ again, error }: { again: () => void; error: ApiError }) {
	useEffect(() => {
		const id = setInterval(again, 3000);
		return () => clearInterval(id);
	}, [again]);
	return <section class="sheet"><Problem error={error} again={again} /></section>;
}

void loadSession();
prefetch("/api/v1/node");
if (location.pathname === "/") prefetch("/api/v1/today");
startRouter();
startLive();
render(<App />, document.getElementById("app")!);
