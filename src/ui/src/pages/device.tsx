/* One device: form or JSON, live test with raw frames, history and undo. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, del, post, put, useGet } from "../api";
import { number, reading, timeText } from "../format";
import { said, t, type Word } from "../i18n";
import { nowMs } from "../live";
import { Empty, Lead, note, Problem, QualityTag, Waiting } from "../parts/basic";
import { go, href } from "../router";
import type { Device, DeviceConfig, DeviceTest, List, SignalConfig } from "../types";
import { cases } from "../words/cases";
import { frame } from "../words/frame";
import { settings } from "../words/settings";
import { deviceState, DeviceStateView } from "./settings";
import { useToday } from "./today";

type Version = { version: number; json: DeviceConfig | null; who: string | null; changed: string };

const fresh: DeviceConfig = { driver: "modbus", host: "", port: 502, unit: 1, poll_ms: 1000, enabled: true, signals: [{ name: "", address: 0, type: "u16" }] };
const tables = ["holding", "input", "coil", "discrete"];
const types = ["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "bit", "string"];
const orders = ["ABCD", "CDAB", "BADC", "DCBA", "AB", "BA"];
const codeWords: [string, Word][] = [["off", settings.codeOff], ["run", settings.codeRun], ["idle", settings.codeIdle], ["alarm", settings.codeAlarm], ["setup", settings.codeSetup]];

/* A field left empty is left out, so that the driver's default holds. */
function drop<T extends object>(o: T, key: keyof T, v: unknown): T {
	const next = { ...o };
	if (v === undefined || v === "") delete next[key];
	else next[key] = v as T[keyof T];
	return next;
}
const numeric = (s: string): number | undefined => (s.trim() === "" || Number.isNaN(Number(s)) ? undefined : Number(s));

function Text({ label, value, onSet, more, bad, placeholder }: { label: string; value: string | undefined; onSet: (v: string) => void; more?: string; bad?: boolean; placeholder?: string }) {
	return (
		<label class="field">
			<span>{label}</span>
			<input type="text" value={value ?? ""} placeholder={placeholder} aria-invalid={bad ? "true" : undefined} spellcheck={false} autocomplete="off" onInput={(e) => onSet(e.currentTarget.value)} />
			{more && <small>{more}</small>}
		</label>
	);
}
function Num({ label, value, onSet, bad, placeholder }: { label: string; value: number | undefined; onSet: (v: number | undefined) => void; bad?: boolean; placeholder?: string }) {
	return (
		<label class="field">
			<span>{label}</span>
			<input type="number" step="any" value={value ?? ""} placeholder={placeholder} aria-invalid={bad ? "true" : undefined} onInput={(e) => onSet(numeric(e.currentTarget.value))} />
		</label>
	);
}
function Choice({ value, list, onSet, label }: { value: string | undefined; list: readonly string[]; onSet: (v: string) => void; label: string }) {
	return (
		<select value={value ?? ""} aria-label={label} onChange={(e) => onSet(e.currentTarget.value)}>
			{!value && <option value="">{t(settings.usual)}</option>}
			{list.map((x) => (
				<option key={x} value={x}>{x}</option>
			))}
		</select>
	);
}

function Signals({ list, block, onSet }: { list: SignalConfig[]; block: boolean; onSet: (l: SignalConfig[]) => void }) {
	const [open, setOpen] = useState<number | null>(null);
	const set = (i: number, key: keyof SignalConfig, v: unknown) => onSet(list.map((s, k) => (k === i ? drop(s, key, v) : s)));
	const num = (i: number, key: keyof SignalConfig, w: Word) => (
		<td data-w={t(w)}>
			<input type="number" step="any" aria-label={t(w)} value={(list[i]![key] as number | undefined) ?? ""} onInput={(e) => set(i, key, numeric(e.currentTarget.value))} />
		</td>
	);
	const text = (i: number, key: keyof SignalConfig, w: Word) => (
		<td data-w={t(w)}>
			<input type="text" aria-label={t(w)} value={(list[i]![key] as string | undefined) ?? ""} spellcheck={false} onInput={(e) => set(i, key, e.currentTarget.value)} />
		</td>
	);
	const heads: [Word, string][] = [[settings.sName, "15%"], [settings.sLabel, "17%"], [settings.sUnit, "8%"], ...(block ? [] : ([[settings.sTable, "11%"]] as [Word, string][])), [settings.sAddress, "10%"], [settings.sType, "9%"], [settings.sOrder, "10%"], [settings.sScale, "9%"]];
	return (
		<>
			<table class="grid-edit">
				<thead>
					<tr>
						{heads.map(([w, width]) => (
							<th key={w[1]} style={{ width }}>{t(w)}</th>
						))}
						<th style={{ width: "13%" }}><span class="sr">{t(settings.acts)}</span></th>
					</tr>
				</thead>
				<tbody>
					{list.map((s, i) => [
						<tr key={i}>
							{text(i, "name", settings.sName)}
							{text(i, "label", settings.sLabel)}
							{text(i, "unit", settings.sUnit)}
							{!block && <td data-w={t(settings.sTable)}><Choice value={s.table ?? "holding"} list={tables} label={t(settings.sTable)} onSet={(v) => set(i, "table", v)} /></td>}
							{num(i, "address", settings.sAddress)}
							<td data-w={t(settings.sType)}><Choice value={s.type ?? (s.table === "coil" || s.table === "discrete" ? "bit" : "u16")} list={types} label={t(settings.sType)} onSet={(v) => set(i, "type", v)} /></td>
							<td data-w={t(settings.sOrder)}><Choice value={s.order} list={orders} label={t(settings.sOrder)} onSet={(v) => set(i, "order", v)} /></td>
							{num(i, "scale", settings.sScale)}
							<td class="nowrap num">
								<button type="button" class="btn plain tight" aria-expanded={open === i} onClick={() => setOpen(open === i ? null : i)}>{t(settings.sMore)}</button>
								<button type="button" class="btn plain tight" aria-label={`${t(frame.remove)} ${s.name}`} onClick={() => onSet(list.filter((_, k) => k !== i))}>✕</button>
							</td>
						</tr>,
						open === i && (
							<tr key={`${i}m`}>
								<td colSpan={block ? 8 : 9}>
									<div class="fields" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(110px, 1fr))", padding: "4px 0 10px" }}>
										{([["offset", settings.sOffset], ["min", settings.sMin], ["max", settings.sMax], ["bit", settings.sBit], ["length", settings.sLength], ...(block ? [] : [["poll_ms", settings.sPoll] as const])] as [keyof SignalConfig, Word][]).map(([k, w]) => (
											<Num key={k} label={t(w)} value={s[k] as number | undefined} onSet={(v) => set(i, k, v)} />
										))}
									</div>
								</td>
							</tr>
						),
					])}
				</tbody>
			</table>
			<button type="button" class="btn tight" style={{ marginTop: "8px", justifySelf: "start" }} onClick={() => onSet([...list, { name: "", address: (list[list.length - 1]?.address ?? -1) + 1, type: list[list.length - 1]?.type ?? "u16" }])}>
				{t(settings.addSignal)}
			</button>
		</>
	);
}

/* What a machine that sends by itself calls its signals, and what they are called here. */
function SentSignals({ list, onSet }: { list: SignalConfig[]; onSet: (l: SignalConfig[]) => void }) {
	const set = (i: number, key: keyof SignalConfig, v: string) => onSet(list.map((s, k) => (k === i ? (key === "name" ? { ...s, name: v } : drop(s, key, v)) : s)));
	const heads: ["name" | "label" | "unit", Word, string][] = [["name", settings.sSent, "34%"], ["label", settings.sLabel, "40%"], ["unit", settings.sUnit, "18%"]];
	return (
		<>
			{list.length > 0 && (
				<table class="grid-edit">
					<thead>
						<tr>
							{heads.map(([key, w, width]) => <th key={key} style={{ width }}>{t(w)}</th>)}
							<th style={{ width: "8%" }}><span class="sr">{t(settings.acts)}</span></th>
						</tr>
					</thead>
					<tbody>
						{list.map((s, i) => (
							<tr key={i}>
								{heads.map(([key, w]) => (
									<td key={key} data-w={t(w)}><input type="text" aria-label={t(w)} value={s[key] ?? ""} spellcheck={false} onInput={(e) => set(i, key, e.currentTarget.value)} /></td>
								))}
								<td class="nowrap num"><button type="button" class="btn plain tight" aria-label={`${t(frame.remove)} ${s.name}`} onClick={() => onSet(list.filter((_, k) => k !== i))}>✕</button></td>
							</tr>
						))}
					</tbody>
				</table>
			)}
			<button type="button" class="btn tight" style={{ marginTop: list.length ? "8px" : 0, justifySelf: "start" }} onClick={() => onSet([...list, { name: "" }])}>
				{t(settings.addSignal)}
			</button>
		</>
	);
}

function Codes({ codes, onSet }: { codes: Record<string, string>; onSet: (c: Record<string, string>) => void }) {
	const rows = Object.entries(codes);
	const put_ = (i: number, k: string, v: string) => onSet(Object.fromEntries(rows.map((r, n) => (n === i ? [k, v] : r))));
	return (
		<div class="field">
			<span>{t(settings.codes)}</span>
			<div style={{ display: "flex", flexWrap: "wrap", gap: "6px 14px" }}>
				{rows.map(([k, v], i) => (
					<span key={i} style={{ display: "flex", gap: "4px", alignItems: "center" }}>
						<input type="number" value={k} style={{ width: "64px" }} aria-label={t(settings.value)} onChange={(e) => put_(i, e.currentTarget.value, v)} />
						<select value={v} style={{ width: "auto" }} aria-label={t(settings.codes)} onChange={(e) => put_(i, k, e.currentTarget.value)}>
							{codeWords.map(([c, w]) => (
								<option key={c} value={c}>{t(w)}</option>
							))}
						</select>
						<button type="button" class="btn plain tight" aria-label={t(frame.remove)} onClick={() => onSet(Object.fromEntries(rows.filter((_, n) => n !== i)))}>✕</button>
					</span>
				))}
				<button type="button" class="btn tight" onClick={() => onSet({ ...codes, [String(rows.length ? Math.max(...rows.map(([k]) => Number(k) || 0)) + 1 : 0)]: "idle" })}>{t(settings.addCode)}</button>
			</div>
		</div>
	);
}

function Form({ c, onSet, field }: { c: DeviceConfig; onSet: (c: DeviceConfig) => void; field: string | null }) {
	const set = (key: keyof DeviceConfig, v: unknown) => onSet(drop(c, key, v));
	const bad = (k: string): boolean => field === k;
	const push = c.driver === "push";
	const cycle = c.cycle;
	const setCycle = (v: Partial<NonNullable<DeviceConfig["cycle"]>>) => onSet({ ...c, cycle: { ...cycle!, ...v } });
	return (
		<div class="stack">
			<section class="sheet">
				<header>
					<h2>{t(settings.connection)}</h2>
					<label class="check">
						<input type="checkbox" checked={c.enabled !== false} onChange={(e) => set("enabled", e.currentTarget.checked)} />
						{t(settings.enabled)}
					</label>
				</header>
				<div class="fields">
					<label class="field">
						<span>{t(settings.driver)}</span>
						<select
							value={c.driver}
							onChange={(e) => onSet(e.currentTarget.value === "push" ? { driver: "push", asset: c.asset, measurement: c.asset, interval_ms: 10_000, ...(c.state ? { state: c.state } : {}) } : { ...fresh, asset: c.asset })}
						>
							<option value="modbus">{t(settings.modbus)}</option>
							<option value="push">{t(settings.push)}</option>
						</select>
					</label>
					<Text label={t(settings.asset)} value={c.asset} more={t(settings.assetMore)} bad={bad("asset")} onSet={(v) => set("asset", v)} />
					{push ? (
						<>
							<Text label={t(settings.measurement)} value={c.measurement} bad={bad("measurement")} onSet={(v) => set("measurement", v)} />
							<Num label={t(settings.interval)} value={c.interval_ms} bad={bad("interval_ms")} onSet={(v) => set("interval_ms", v)} />
						</>
					) : (
						<>
							<Text label={t(settings.host)} value={c.host} bad={bad("host")} placeholder="192.168.0.10" onSet={(v) => set("host", v)} />
							<Num label={t(settings.port)} value={c.port} bad={bad("port")} placeholder="502" onSet={(v) => set("port", v)} />
							<Num label={t(settings.unit)} value={c.unit} bad={bad("unit")} placeholder="1" onSet={(v) => set("unit", v)} />
							<Num label={t(settings.poll)} value={c.poll_ms} bad={bad("poll_ms")} placeholder="1000" onSet={(v) => set("poll_ms", v)} />
							<Num label={t(settings.timeout)} value={c.timeout_ms} bad={bad("timeout_ms")} placeholder="1000" onSet={(v) => set("timeout_ms", v)} />
							<Num label={t(settings.maxRegisters)} value={c.max_registers} bad={bad("max_registers")} placeholder="125" onSet={(v) => set("max_registers", v)} />
							<Num label={t(settings.maxGap)} value={c.max_gap} bad={bad("max_gap")} placeholder="8" onSet={(v) => set("max_gap", v)} />
						</>
					)}
				</div>
			</section>
			{!push && (
				<section class="sheet">
					<header><h2>{t(settings.signals)}</h2><small>{t(settings.signalsMore)}</small></header>
					<Signals list={c.signals ?? []} block={false} onSet={(l) => onSet({ ...c, signals: l })} />
				</section>
			)}
			{push && (
				<section class="sheet">
					<header><h2>{t(settings.signals)}</h2><small>{t(settings.sentMore)}</small></header>
					<SentSignals list={c.signals ?? []} onSet={(l) => onSet(drop(c, "signals", l.length ? l : undefined))} />
				</section>
			)}
			{!push && (
				<section class="sheet">
					<header>
						<h2>{t(settings.cycle)} <small class="dim">{t(settings.cycleMore)}</small></h2>
						<label class="check">
							<input type="checkbox" checked={!!cycle} onChange={(e) => (e.currentTarget.checked ? onSet({ ...c, cycle: { table: "holding", counter: { address: 200, type: "u32" }, signals: [] } }) : set("cycle", undefined))} />
							{t(settings.cycleUse)}
						</label>
					</header>
					{cycle && (
						<div class="stack">
							<div class="fields">
								<label class="field"><span>{t(settings.sTable)}</span><Choice value={cycle.table ?? "holding"} list={["holding", "input"]} label={t(settings.sTable)} onSet={(v) => setCycle({ table: v })} /></label>
								<Num label={t(settings.counter)} value={cycle.counter.address} onSet={(v) => setCycle({ counter: { ...cycle.counter, address: v ?? 0 } })} />
								<label class="field"><span>{t(settings.counterType)}</span><Choice value={cycle.counter.type ?? "u16"} list={["u16", "u32", "u64"]} label={t(settings.counterType)} onSet={(v) => setCycle({ counter: { ...cycle.counter, type: v } })} /></label>
								<label class="field"><span>{t(settings.sOrder)}</span><Choice value={cycle.counter.order} list={orders} label={t(settings.sOrder)} onSet={(v) => setCycle({ counter: drop(cycle.counter, "order", v) })} /></label>
								<Num label={t(settings.poll)} value={cycle.poll_ms} placeholder="1000" onSet={(v) => onSet({ ...c, cycle: drop(cycle, "poll_ms", v) })} />
								<Num label={t(settings.lotAddress)} value={cycle.lot?.address} onSet={(v) => onSet({ ...c, cycle: drop(cycle, "lot", v === undefined ? undefined : { ...cycle.lot, address: v, length: cycle.lot?.length ?? 8 }) })} />
								<Num label={t(settings.lotLength)} value={cycle.lot?.length} onSet={(v) => cycle.lot && setCycle({ lot: { ...cycle.lot, length: v ?? 8 } })} />
							</div>
							<Signals list={cycle.signals} block onSet={(l) => setCycle({ signals: l })} />
						</div>
					)}
				</section>
			)}
			<section class="sheet">
				<header>
					<h2>{t(settings.stateBlock)} <small class="dim">{t(settings.stateMore)}</small></h2>
					<label class="check">
						<input type="checkbox" checked={!!c.state} onChange={(e) => set("state", e.currentTarget.checked ? { signal: "state", codes: { 0: "off", 1: "run", 2: "idle", 3: "alarm", 4: "setup" }, alarm: "alarm" } : undefined)} />
						{t(settings.stateUse)}
					</label>
				</header>
				{c.state && (
					<div class="stack">
						<div class="fields">
							<Text label={t(settings.stateSignal)} value={c.state.signal} onSet={(v) => onSet({ ...c, state: { ...c.state!, signal: v } })} />
							<Text label={t(settings.alarmSignal)} value={c.state.alarm} onSet={(v) => onSet({ ...c, state: drop(c.state!, "alarm", v) })} />
						</div>
						<Codes codes={c.state.codes} onSet={(codes) => onSet({ ...c, state: { ...c.state!, codes } })} />
					</div>
				)}
			</section>
		</div>
	);
}

function TestResult({ r }: { r: DeviceTest }) {
	const good = r.values.filter((v) => v.quality !== "bad").length, bad = r.values.length - good;
	return (
		<section class="sheet">
			<header><h2>{!good ? t(settings.testFailed) : bad ? t(settings.testSome, { n: good, bad }) : t(settings.testOk, { n: good })}</h2><small>{t(settings.testMore)}</small></header>
			{r.trouble && <p style={{ color: "var(--stop)", paddingBottom: "8px" }}>{said(r.trouble)}</p>}
			{r.values.length > 0 && (
				<table>
					<tbody>
						{r.values.map((v) => (
							<tr key={v.signal}>
								<td>{v.signal}</td>
								<td class="num"><QualityTag q={v.quality} /> <b>{reading(v.value, typeof v.value === "number" && Number.isInteger(v.value) ? "integer" : "float")}</b> <small>{v.unit}</small></td>
							</tr>
						))}
					</tbody>
				</table>
			)}
			{r.frames.length > 0 && (
				<>
					<h3 style={{ padding: "12px 0 5px" }}>{t(settings.frames)}</h3>
					<div class="frames" tabIndex={0} role="group" aria-label={t(settings.frames)}>
						{r.frames.map((f, i) => (
							<div key={i}>
								<span class="dim">{t(f.sent ? settings.sent : settings.got)}</span>
								<span class="mono">{f.hex.replace(/\s+/g, "").replace(/(..)(?=.)/g, "$1 ")}</span>
							</div>
						))}
					</div>
				</>
			)}
		</section>
	);
}

function History({ name, onTake }: { name: string; onTake: (c: DeviceConfig) => void }) {
	const got = useGet<List<Version>>(`/api/v1/devices/${encodeURIComponent(name)}/history`, { nouns: ["doc"] });
	const now = nowMs();
	if (!got.data?.items.length) return got.error ? <Problem error={got.error} /> : null;
	return (
		<section class="sheet">
			<header><h2>{t(settings.history)}</h2></header>
			<div class="stack" style={{ gap: "6px" }}>
				{got.data.items.map((v) => (
					<details key={v.version}>
						<summary><b>{t(settings.historyVersion, { n: v.version })}</b> <small>{timeText(v.changed, now)} {v.json === null ? t(settings.historyRemoved) : ""}</small></summary>
						{v.json && (
							<>
								<pre class="mono" style={{ whiteSpace: "pre-wrap", maxHeight: "260px", overflow: "auto" }}>{JSON.stringify(v.json, null, 1)}</pre>
								<button class="btn tight" onClick={() => onTake(v.json!)}>{t(settings.takeVersion)}</button>
							</>
						)}
					</details>
				))}
			</div>
		</section>
	);
}

/* name null: a new device. */
export function DevicePage({ name }: { name: string | null }) {
	const got = useGet<List<Device>>("/api/v1/devices", { nouns: ["doc"], every: 4000 });
	const day = useToday();
	const d = got.data?.items.find((x) => x.name === name) ?? null;
	const [draft, setDraft] = useState<DeviceConfig | null>(name === null ? fresh : null);
	const [newName, setNewName] = useState("");
	const [json, setJson] = useState<string | null>(null);
	const [jsonError, setJsonError] = useState("");
	const [error, setError] = useState<ApiError | null>(null);
	const [test, setTest] = useState<DeviceTest | "busy" | null>(null);
	const [base, setBase] = useState<{ version: number; config: string } | null>(null);
	const [taking, setTaking] = useState<number | null>(null); /* the version that an undo made */
	useEffect(() => {
		/* What is being edited is not overwritten by what comes in; a version saved elsewhere is met by If-Match. */
		if (d && (draft === null || d.version === taking || (base?.version !== d.version && JSON.stringify(draft) === base?.config))) {
			setDraft(d.config);
			setBase({ version: d.version, config: JSON.stringify(d.config) });
			setTaking(null);
		}
	}, [d?.version, draft === null, taking]);
	if (name !== null && !got.data) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	if (name !== null && !d) return <Empty title={t(settings.gone)} acts={<a class="btn go" href="/settings">{t(settings.crumb)}</a>}>{name}</Empty>;
	if (!draft) return <Waiting />;
	const c = draft;
	const key = name ?? (newName || c.asset || "");
	const changed = name === null || JSON.stringify(c) !== JSON.stringify(d!.config);
	const path = `/api/v1/devices/${encodeURIComponent(key)}`;
	const fail = (e: ApiError) => setError(e);
	const undo = () =>
		void post<{ version: number }>(`${path}/undo`, {}).then((r) => {
			setTaking(r.version);
			got.again();
			note(t(settings.undone, { name: key }));
		}, fail);
	const save = () => {
		setError(null);
		put<{ version: number }>(path, c, name === null ? undefined : base?.version).then((r) => {
			setBase({ version: r.version, config: JSON.stringify(c) });
			note(t(settings.saved, { name: key }), name === null ? undefined : undo);
			if (name === null) go(href("settings", "devices", key));
			got.again();
		}, fail);
	};
	const remove = () =>
		del(path).then(() => {
			note(t(settings.removed, { name: key }), () => void post(`${path}/undo`, {}));
			go("/settings");
		}, fail);
	const tryIt = () => {
		setError(null);
		setTest("busy");
		post<DeviceTest>("/api/v1/devices/test", c).then(setTest, (e: ApiError) => {
			setTest(null);
			fail(e);
		});
	};
	const s = d ? deviceState(d) : null;
	const title = name === null ? t(settings.titleNew) : d?.status?.trouble && s !== "off" ? said(d.status.trouble) : s !== "off" && d?.config.driver === "push" ? t(settings.titlePush, { name: key }) : s === "online" ? t(settings.titleOnline) : s === "offline" ? t(settings.titleOffline) : s === "connecting" ? t(settings.titleConnecting) : s === "off" ? t(settings.titleOff) : t(settings.titleUnknown, { name: key });
	return (
		<>
			<Lead
				page={name ?? t(settings.newDevice)}
				crumb={<><a href="/settings">{t(settings.crumb)}</a> › {name ?? t(settings.newDevice)} {d?.config.asset && <>· <a class="link" href={href("assets", d.config.asset)}>{t(cases.toAsset)}</a></>}</>}
				title={title}
				acts={
					<>
						{name !== null && <button class="btn plain" onClick={() => void remove()}>{t(frame.remove)}</button>}
						{c.driver !== "push" && <button class="btn" disabled={test === "busy"} onClick={tryIt}>{t(test === "busy" ? settings.testing : settings.test)}</button>}
						<button class="btn go" disabled={!changed || !key || jsonError !== ""} onClick={save}>{t(frame.save)}</button>
					</>
				}
			>
				{d && <><DeviceStateView d={d} machine={day.data?.machines.find((m) => m.asset === d.config.asset)} /> {d.status && <small class="live">{t(settings.lastValue)} {timeText(d.status.last_value, nowMs(), true)}{d.config.driver !== "push" && <> · {t(settings.values)} {number(d.status.values)}</>}</small>} </>}
				{name !== null && changed && <span class="tag warn">{t(settings.changed)}</span>}
			</Lead>
			{error && <section class="sheet" style={{ marginBottom: "16px" }}><Problem error={error} /></section>}
			<div class="stack">
				<div class="toolbar" style={{ marginBottom: 0 }}>
					<span class="tabs" role="group" aria-label={t(settings.view)}>
						<button
							aria-pressed={json === null}
							onClick={() => {
								setJson(null);
								setJsonError("");
							}}
						>
							{t(settings.form)}
						</button>
						<button aria-pressed={json !== null} onClick={() => setJson(JSON.stringify(c, null, 2))}>{t(settings.json)}</button>
					</span>
					{name === null && <label class="check"><span class="small">{t(settings.name)}</span><input type="text" value={newName} placeholder={c.asset || "MLD-01"} aria-label={t(settings.name)} title={t(settings.nameMore)} onInput={(e) => setNewName(e.currentTarget.value)} /></label>}
				</div>
				{test !== null && test !== "busy" && <TestResult r={test} />}
				{json !== null ? (
					<section class="sheet">
						<textarea
							rows={24}
							value={json}
							aria-label={t(settings.json)}
							aria-invalid={jsonError ? "true" : undefined}
							spellcheck={false}
							onInput={(e) => {
								const text = e.currentTarget.value;
								setJson(text);
								try {
									setDraft(JSON.parse(text) as DeviceConfig);
									setJsonError("");
								} catch (x) {
									setJsonError((x as Error).message);
								}
							}}
						/>
						{jsonError && <p class="small" style={{ color: "var(--stop)" }}>{t(settings.jsonBad, { why: jsonError })}</p>}
					</section>
				) : (
					<Form c={c} onSet={setDraft} field={error?.problem?.field ?? null} />
				)}
				{name !== null && <History name={name} onTake={setDraft} />}
				{name !== null && d && d.version > 1 && <p><button class="btn tight" onClick={undo}>{t(settings.undoLast)}</button></p>}
			</div>
		</>
	);
}
