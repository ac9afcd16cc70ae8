/* Settings: devices with their state in words, and the node itself. */
import { useGet } from "../api";
import { duration, ms, number, timeText, whenText } from "../format";
import { said, t } from "../i18n";
import { clockMode, useNow } from "../live";
import { Empty, Lead, Problem, State, stateWord, Waiting, type Look } from "../parts/basic";
import { DiskCard } from "../parts/disk";
import { RetentionCard } from "../parts/retention";
import { DrillCard, ExportCard } from "../parts/keep";
import { go, href } from "../router";
import { may } from "../session";
import type { Device, List, Machine, NodeInfo } from "../types";
import { accounts } from "../words/accounts";
import { frame } from "../words/frame";
import { log } from "../words/log";
import { phone } from "../words/phone";
import { people } from "../words/people";
import { settings } from "../words/settings";
import { sinks } from "../words/sinks";
import { trust } from "../words/trust";
import { tellsState } from "./sentence";
import { useToday } from "./today";

const DEVICES_MS = 5000;
export const deviceLook: Record<string, Look> = { online: "run", connecting: "wait", offline: "stop", off: "plan" };
export const deviceState = (d: Device): string | null => (d.config.enabled === false ? "off" : (d.status?.state ?? null));

/* Who sends by itself has no connection: it is judged by what arrives. */
export function DeviceStateView({ d, machine }: { d: Device; machine?: Machine | undefined }) {
	const s = deviceState(d);
	if (d.config.driver === "push" && s !== "off") {
		if (!machine || !tellsState(machine)) return <State look="none">{t(settings.unknown)}</State>;
		return machine.state === "no_data" ? <State look="stop">{stateWord("no_data")}</State> : <State look="run">{t(settings.receiving)}</State>;
	}
	return <State look={s ? deviceLook[s]! : "none"}>{s ? stateWord(s) : t(settings.unknown)}</State>;
}

function NodeFacts({ node }: { node: NodeInfo }) {
	const now = useNow();
	const c = clockMode();
	const off = Math.abs(Date.now() - now);
	return (
		<section class="sheet">
			<header><h2>{t(settings.node)}</h2></header>
			<dl class="facts">
				<dt>{t(settings.nodeName)}</dt><dd>{node.name}</dd>
				<dt>{t(settings.firm)}</dt><dd>{node.firm}</dd>
				<dt>{t(settings.version)}</dt><dd>{node.version}</dd>
				<dt>{t(settings.zone)}</dt><dd>{node.zone}</dd>
				{node.day_begins && [<dt key="t">{t(settings.day)}</dt>, <dd key="d">{node.day_begins}</dd>]}
				<dt>{t(settings.clock)}</dt><dd>{c?.mode === "scaled" ? (c.scale <= 1 ? t(settings.clockDemo) : t(settings.clockScaled, { n: c.scale })) : c?.mode === "stepped" ? t(settings.clockStepped) : t(settings.clockReal)}</dd>
				{(!c || c.mode === "real") && [<dt key="t">{t(settings.offset)}</dt>, <dd key="d">{off < 1500 ? duration(0) : duration(off)}</dd>]}
				{node.made && [<dt key="t">{t(settings.made)}</dt>, <dd key="d">{timeText(node.made, now)}</dd>]}
				<dt>{t(settings.id)}</dt><dd class="mono">{node.id}</dd>
			</dl>
			<p class="small" style={{ paddingTop: "10px" }}>{t(settings.fileNote)}</p>
			<p class="acts small" style={{ paddingTop: "8px", gap: "4px 14px" }}>
				{may("accounts") && <a class="link" href="/settings/accounts">{t(accounts.page)}</a>}
				{may("read") && <a class="link" href="/settings/people">{t(people.page)}</a>}
				{may("sinks") && <a class="link" href="/settings/sinks">{t(sinks.page)}</a>}
				{may("trust") && <a class="link" href="/settings/trust">{t(trust.page)}</a>}
				{may("read") && <a class="link" href="/settings/log">{t(log.open)}</a>}
				<a class="link" href="/settings/phone">{t(phone.title)}</a>
				<a class="link" href="/api/v1/openapi.json" target="_blank" rel="noreferrer">{t(settings.api)}</a>
				<a class="link" href="/metrics" target="_blank" rel="noreferrer">{t(settings.metrics)}</a>
			</p>
		</section>
	);
}

export function SettingsPage({ node }: { node: NodeInfo }) {
	const got = useGet<List<Device>>("/api/v1/devices", { nouns: ["doc"], every: DEVICES_MS });
	const now = useNow();
	const day = useToday();
	const machineOf = (d: Device) => day.data?.machines.find((m) => m.asset === d.config.asset);
	const list = got.data?.items ?? [];
	const bad = list.filter((d) => d.config.enabled !== false && (d.status?.trouble || d.status?.state === "offline"));
	const add = <a class="btn go" href="/settings/devices">{t(settings.addDevice)}</a>;
	return (
		<>
			{(!got.data || list.length > 0) && (
				<Lead
					page={t(frame.settings)}
					title={!got.data ? t(frame.settings) : bad.length === 1 ? t(settings.leadTroubleOne, { name: bad[0]!.name }) : bad.length ? t(settings.leadTrouble, { n: bad.length }) : t(settings.leadFine, { n: list.length })}
					acts={add}
				>
					{bad.length === 1 && bad[0]!.status?.trouble ? said(bad[0]!.status.trouble) : t(settings.leadMore)}
				</Lead>
			)}
			<div class="cols main-side">
				<div class="stack">
					{got.error && !got.data ? (
						<section class="sheet"><Problem error={got.error} again={got.again} /></section>
					) : !got.data ? (
						<Waiting />
					) : !list.length ? (
						<Empty title={t(settings.leadNone)} acts={add}>{t(settings.leadNoneMore)}</Empty>
					) : (
						<section class="sheet">
							<header><h2>{t(settings.devices)}</h2><small>{number(list.length)}</small></header>
							<table class="cards-phone">
								<thead>
									<tr>
										<th>{t(settings.name)}</th>
										<th>{t(settings.state)}</th>
										<th>{t(settings.address)}</th>
										<th class="num">{t(settings.lastValue)}</th>
										<th class="num">{t(settings.values)}</th>
									</tr>
								</thead>
								<tbody>
									{list.map((d) => (
										<tr key={d.name} class="go-row" onClick={(e) => !(e.target as Element).closest("a") && go(href("settings", "devices", d.name))}>
											<td><a class="strong" href={href("settings", "devices", d.name)}>{d.name}</a>{d.config.asset && d.config.asset !== d.name && <small class="dim"> {d.config.asset}</small>}</td>
											<td><DeviceStateView d={d} machine={machineOf(d)} /></td>
											<td class="wide">
												<small>{d.config.driver === "push" ? t(settings.pushes) : `${d.config.host}:${d.config.port ?? 502}`}</small>
												{d.status?.trouble && d.config.enabled !== false && <><br /><small style={{ color: "var(--stop)" }}>{said(d.status.trouble)}</small></>}
											</td>
											<td class="num off-phone live"><small>{d.status?.last_value ? (now - ms(d.status.last_value) < 60_000 ? whenText(d.status.last_value, now, true) : whenText(d.status.last_value, now)) : "–"}</small></td>
											<td class="num off-phone live">{d.status && d.config.driver !== "push" ? number(d.status.values) : "–"}</td>
										</tr>
									))}
								</tbody>
							</table>
						</section>
					)}
					{may("backup") && <ExportCard />}
					{may("read") && <RetentionCard />}
				</div>
				<div class="stack">
					<NodeFacts node={node} />
					{may("read") && <DiskCard />}
					{may("backup") && <DrillCard />}
				</div>
			</div>
		</>
	);
}
