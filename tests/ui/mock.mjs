/* A stand-in for the node, for work on the page: node tests/ui/mock.mjs [PORT] [DIST]
 * Answers the HTTP contract with made-up data from a fixed seed. Mode in MOCK: "" (a week loaded, life at 60x), "history" (loading), "empty", "crash".
 * /mock/login?role=quality wants a login first (any name, the password "correct-horse-9"), ?role= no more.
 * /mock/down?on=1 cuts every connection; /mock/fault?kind=error|bare|garbage|slow&path=/api/… spoils answers. */
import { createServer } from "node:http";
import { readFileSync, existsSync } from "node:fs";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const port = Number(process.argv[2] ?? 8471), dist = process.argv[3] ?? join(here, "../../src/ui/dist");
const mode = process.env.MOCK ?? "";
const H = 3_600_000, D = 24 * H;
const hash = (s) => { let h = 2166136261; for (const c of String(s)) h = Math.imul(h ^ c.codePointAt(0), 16777619); h ^= h >>> 15; h = Math.imul(h, 2246822519); return ((h ^ (h >>> 13)) >>> 0) / 4294967296; };
const gauss = (s) => Math.sqrt(-2 * Math.log(hash(`${s}a`) + 1e-9)) * Math.cos(6.283 * hash(`${s}b`));
const uuid = (s) => { let x = ""; for (let i = 0; i < 32; i++) x += Math.floor(hash(s + i) * 16).toString(16); return `${x.slice(0, 8)}-${x.slice(8, 12)}-7${x.slice(13, 16)}-8${x.slice(17, 20)}-${x.slice(20)}`; };
const iso = (ms) => new Date(ms).toISOString();

/* ---- time ---- */
const T0 = Date.parse("2026-11-22T00:10:00Z"), began = Date.now();
const scale = mode === "history" ? 0 : Number(process.env.SCALE ?? 60);
const now = () => (mode === "history" ? T0 - 7 * D + Math.min(1, ((Date.now() - began) / 240_000) + 0.43) * 7 * D : T0 + (Date.now() - began) * scale);
const history = () => (mode === "history" ? { from: iso(T0 - 7 * D), to: iso(T0), now: iso(now()) } : null);

/* ---- machines and signals ---- */
const M = (code, name, signals, device = "modbus") => ({ code, name, kind: "machine", signals, device });
const c = (name, label, unit, mean, sigma, more = {}) => ({ name, label, unit, mean, sigma, kind: "sequence", type: "float", period: 42_000, ...more });
const f = (name, label, unit, mean, sigma, more = {}) => ({ name, label, unit, mean, sigma, kind: "clock", type: "float", period: 10_000, ...more });
const machines = mode === "empty" ? [] : [
	M("MLD-01", "사출기 1호기", [c("cycle", "사이클 타임", "s", 42, 0.3), c("peak_pressure", "최대 사출압", "MPa", 95, 1.2, { shift: { at: -5.4 * H, by: -7.5 } }), c("fill", "충전 시간", "s", 1.18, 0.01), c("cushion", "쿠션량", "mm", 6, 0.12, { shift: { at: -5.4 * H, by: -1.2 } }), c("metering", "계량 시간", "s", 9.5, 0.25), c("switch_over", "전환 위치", "mm", 12, 0.05), c("lot", "로트", "", 0, 0, { type: "string" }),
		f("barrel_1", "배럴 1 온도", "°C", 275, 1.5), f("barrel_2", "배럴 2 온도", "°C", 280, 1.5), f("barrel_3", "배럴 3 온도", "°C", 285, 1.5), f("mould", "금형 온도", "°C", 80, 1), f("oil", "작동유 온도", "°C", 46, 2), f("power", "전력", "kW", 18, 5), f("shots", "타수", "", 312_000, 0, { type: "integer" }), f("door", "안전문 닫힘", "", 1, 0, { type: "boolean" })]),
	M("MLD-02", "사출기 2호기", [c("cycle", "사이클 타임", "s", 55, 0.5), f("vacuum", "취출 진공", "kPa", -78, 2), f("power", "전력", "kW", 22, 5)]),
	M("MLD-03", "사출기 3호기", [c("cycle", "사이클 타임", "s", 28, 0.3), f("power", "전력", "kW", 12, 3)]),
	M("MLD-04", "제습 건조기", [f("dew_point", "이슬점", "°C", -39, 4), f("temperature", "건조 온도", "°C", 80, 1), f("power", "전력", "kW", 6, 0.4)]),
	M("MLD-05", "냉각기", [f("supply", "공급 수온", "°C", 15, 0.7), f("flow", "유량", "L/min", 180, 4), f("power", "전력", "kW", 18, 1)]),
	M("MLD-06", "금형 가공기", [f("load", "주축 부하", "%", 40, 12), f("program", "프로그램", "", 0, 0, { type: "string" })], "push"),
	M("MLD-07", "와이어 방전기", [f("gap", "간극 전압", "V", 45, 4)], "push"),
];
const others = mode === "empty" ? [] : [{ code: "HLD-A", name: "버스바 홀더 A", kind: "item", unit: "ea" }, { code: "PA66-GF30", name: "수지 PA66-GF30", kind: "item", unit: "kg" }, { code: "BBM-A", name: "버스바 모듈 A", kind: "item", unit: "ea" }, { code: "MTR-60A", name: "모터 60 kW A형", kind: "item", unit: "ea" }, { code: "M-117", name: "금형 M-117", kind: "mould", unit: null }, { code: "steel_energy_gwangyang", name: "steel_energy_gwangyang", kind: "other", unit: null }, { code: "prices.2021", name: "prices.2021", kind: "other", unit: null }];
const series = new Map();
for (const m of machines) for (const s of m.signals) { s.id = uuid(m.code + s.name); s.asset = m.code; s.machine = m; series.set(s.id, s); }
if (mode !== "empty") {
	const e = { ...f("usage", "사용량", "kWh", 27, 12), id: uuid("steel"), asset: "steel_energy_gwangyang", period: 900_000, first: Date.parse("2017-12-31T15:00:00Z"), last: Date.parse("2018-12-31T14:45:00Z") };
	series.set(e.id, e);
	const r = { ...f("price", "가격", "", 100, 8), id: uuid("rows"), asset: "prices.2021", period: 1e-6, first: 1e-6, last: 1500e-6, rows: true };
	series.set(r.id, r);
}

/* states of a machine as intervals, from a seed */
const statesOf = (m, from, to) => {
	const out = [];
	const step = 20 * 60_000;
	for (let t = Math.floor(from / step) * step; t < to; t += step) {
		const h = new Date(t + 9 * H), r = hash(m.code + t), hour = h.getUTCHours(), minute = h.getUTCMinutes();
		let state = "running", alarm = 0;
		if (hour === 12 && minute < 40) state = "planned";
		else if (m.code === "MLD-05" || m.code === "MLD-04") state = "running";
		else if (r > 0.97) { state = "stopped"; alarm = 12; } else if (r > 0.9) state = "waiting";
		if (m.code === "MLD-07" && t > T0 - 1.1 * H) state = "no_data";
		out.push({ a: t, b: t + step, state, alarm });
	}
	if (m.code === "MLD-02" && to > T0 - 14 * 60_000) { for (const s of out) if (s.a < T0 - 14 * 60_000 && s.b > T0 - 14 * 60_000) s.b = T0 - 14 * 60_000; out.push({ a: T0 - 14 * 60_000, b: Infinity, state: "stopped", alarm: 12 }); }
	const cut = m.code === "MLD-02" ? out.filter((s) => s.state === "stopped" && s.b === Infinity || s.a < T0 - 14 * 60_000) : out;
	const joined = [];
	for (const s of cut) { const p = joined[joined.length - 1]; if (p && p.state === s.state && p.b >= s.a) p.b = s.b; else joined.push({ ...s }); }
	return joined.filter((s) => s.b > from && s.a < to).map((s) => ({ from: iso(Math.max(from, s.a)), to: iso(Math.min(to, s.b)), state: s.state, alarm: s.alarm }));
};
const valueAt = (s, t) => {
	if (s.rows) return s.mean + s.sigma * Math.sin(t * 1e6 / 90) + gauss(`${s.id}${Math.round(t * 1e6)}`) * 1.5;
	const k = Math.round(t / s.period);
	if (s.name === "shots") return 312_000 + Math.floor((t - T0) / 42_000);
	if (s.type === "boolean") return hash(s.id + Math.floor(k / 40)) > 0.06;
	if (s.type === "string") return s.name === "lot" ? `HLD-A-${String(1100 + Math.floor((t - T0) / (2 * H)) % 900).padStart(4, "0")}` : `O${1000 + Math.floor(hash(Math.floor(k / 300)) * 9) * 10}`;
	let v = s.mean + s.sigma * gauss(s.id + k) + s.sigma * 0.6 * Math.sin(t / 1.7e7 + hash(s.id) * 6);
	if (s.shift && t > T0 + s.shift.at) v += s.shift.by;
	if (s.name === "dew_point") v = -45 + 12 * (((t / (4 * H)) % 1 + 1) % 1) + gauss(s.id + k) * 0.3;
	return Math.round(v * 1000) / 1000;
};
const extent = (s) => ({ first: s.first ?? T0 - 3 * 365 * D, last: s.last ?? now() - (s.asset === "MLD-07" ? 1.1 * H : 0) });
const inGap = (s, t) => !s.rows && !s.first && hash(s.asset + Math.floor(t / (40 * 60_000))) > 0.985;
const stale = (code) => code === "MLD-07";
const last = (s) => { const e = extent(s), t = s.rows ? e.last : Math.floor(e.last / s.period) * s.period; return { t: s.rows ? `1970-01-01T00:00:00.${String(Math.round(t * 1e6)).padStart(9, "0")}Z` : iso(t), value: valueAt(s, t), quality: s.name === "oil" ? "uncertain" : s.name === "flow" ? "bad" : "good", seq: s.kind === "sequence" ? Math.floor(t / s.period) % 1e6 : null }; };
const signal = (s) => ({ id: s.id, asset: s.asset, name: s.name, label: s.label, unit: s.unit, type: s.type, kind: s.kind, source: "modbus", last: last(s), stale: stale(s.asset) });
const nano = (t) => { const m = /\.(\d+)/.exec(t); return t.startsWith("1970") ? Number((m?.[1] ?? "0").padEnd(9, "0")) / 1e6 + Number(t.slice(17, 19)) * 1000 : Date.parse(t); };

function chart(s, q) {
	const e = extent(s), from = q.has("from") ? nano(q.get("from")) : e.first, to = q.has("to") ? nano(q.get("to")) : e.last, width = Number(q.get("width") ?? 800);
	const r = { from: iso(from), to: iso(to), width, t_ms: [], min: [], max: [], mean: [], n: [], bad: [], raw: true };
	const bin = (to - from) / width;
	for (let i = 0; i < width; i++) {
		const a = from + i * bin, b = a + bin, t = s.rows || bin < s.period ? Math.ceil(a / s.period) * s.period : a + bin / 2;
		if (t >= b || t < e.first || t > e.last || inGap(s, t)) continue;
		const n = Math.max(1, Math.floor(bin / s.period));
		let v = Number(valueAt(s, t));
		let lo = v, hi = v;
		if (n > 1) { const w = s.sigma * Math.sqrt(2 * Math.log(n)); v = v * 0.25 + Number(valueAt(s, t + s.period)) * 0.25 + Number(valueAt(s, t + 2 * s.period)) * 0.25 + Number(valueAt(s, t + 3 * s.period)) * 0.25; lo = v - w; hi = v + w; r.raw = false; }
		r.t_ms.push(t); r.min.push(lo); r.max.push(hi); r.mean.push(v); r.n.push(n); r.bad.push(s.name === "flow" && hash(t) > 0.97 ? 1 : 0);
	}
	return r;
}

/* ---- cases ---- */
const sid = (a, n) => uuid(a + n);
let caseList = mode === "empty" ? [] : [
	{ id: 7, asset: "MLD-01", cause: "level_shift:peak_pressure", kind: "level_shift", state: "open", begin: T0 - 5.4 * H, end: null, raised: T0 - 5.33 * H, lot: { firm: "MLD", number: "HLD-A-1117" }, evidence: { series: sid("MLD-01", "peak_pressure"), signal: "peak_pressure", group: "M-117", before: 95.02, after: 87.46, noise: 1.2, strength: 6.3, unit: "MPa", samples: 48, begin_seq: 311_540 } },
	{ id: 6, asset: "MLD-01", cause: "level_shift:cushion", kind: "level_shift", state: "open", begin: T0 - 5.4 * H, end: null, raised: T0 - 5.3 * H, lot: null, evidence: { series: sid("MLD-01", "cushion"), signal: "cushion", group: "M-117", before: 6.01, after: 4.81, noise: 0.12, strength: 10.1, unit: "mm", samples: 44, begin_seq: 311_541 } },
	{ id: 5, asset: "MLD-02", cause: "stop", kind: "stop", state: "open", begin: T0 - 14 * 60_000, end: null, raised: T0 - 12 * 60_000, lot: null, evidence: { kind: "breakdown", alarm: 12 } },
	{ id: 4, asset: "MLD-07", cause: "missing_data", kind: "missing_data", state: "seen", begin: T0 - 1.1 * H, end: null, raised: T0 - H, lot: null, evidence: { source: "MLD-07", from: T0 - 1.1 * H, to: null, arrived_from: null, arrived_to: null, late: 0 } },
	{ id: 3, asset: "MLD-06", cause: "late_data", kind: "late_data", state: "in_work", begin: T0 - 58 * H, end: T0 - 51 * H, raised: T0 - 51.4 * H, lot: null, evidence: { source: "MLD-06", from: T0 - 58 * H, to: T0 - 51.5 * H, arrived_from: T0 - 51.4 * H, arrived_to: T0 - 51 * H, late: 14_040 } },
	{ id: 2, asset: "MLD-02", cause: "stop", kind: "stop", state: "closed", begin: T0 - 75.2 * H, end: T0 - 74.5 * H, raised: T0 - 75.1 * H, lot: null, evidence: { kind: "breakdown", alarm: 7 } },
].map((x) => ({ ...x, changed: x.raised, history: [{ t: iso(x.raised), state: "open", who: null, note: null }] }));
const ev = (e) => Object.fromEntries(Object.entries(e).map(([k, v]) => [k, ["from", "to", "arrived_from", "arrived_to"].includes(k) && v ? iso(v) : v]));
const caseOut = (x, full) => ({ id: x.id, asset: x.asset, asset_name: machines.find((m) => m.code === x.asset)?.name ?? x.asset, cause: x.cause, kind: x.kind, state: x.state, begin: iso(x.begin), end: x.end ? iso(x.end) : null, raised: iso(x.raised), changed: iso(x.changed), lot: x.lot, evidence: ev(x.evidence), ...(full ? { history: x.history } : {}) });

/* ---- lots: one resin bag, 13 containers, modules, stators, motors ---- */
const lots = [], links = [];
if (mode !== "empty") {
	const add = (firm, number, item, item_name, state, place, quantity, unit, made) => (lots.push({ id: lots.length + 1, firm, number, item, item_name, state, place, made: iso(made), quantity, unit }), lots[lots.length - 1]);
	const link = (p, ch, quantity) => links.push({ parent: p.id, child: ch.id, quantity, unit: p.unit });
	const coil = add("SUP", "CU-88120", "COIL", "동 코일", "ok", "MCH-04", 420, "kg", T0 - 90 * H);
	const resin = add("SUP", "PA-2291", "PA66-GF30", "수지 PA66-GF30", "on_hold", "MLD", 25, "kg", T0 - 50 * H);
	const scrap = add("MLD", "HLD-A-1117-X", "HLD-A", "버스바 홀더 A", "scrapped", "MLD", 24, "ea", T0 - 44 * H);
	link(resin, scrap, 1.1);
	const racks = Array.from({ length: 4 }, (_, i) => { const r = add("MCH", `BAR-R${301 + i}`, "BAR", "버스바", "ok", "MCH-06", 120, "ea", T0 - 40 * H); link(coil, r, 30); return r; });
	for (let i = 0; i < 13; i++) {
		const ct = add("MLD", `HLD-A-${1117 + i}`, "HLD-A", "버스바 홀더 A", i < 3 ? "shipped" : "on_hold", i < 3 ? "MCH" : "MLD", i === 12 ? 16 : 40, "ea", T0 - 44 * H + i * 0.25 * H);
		link(resin, ct, 1.7);
		if (i >= 2) continue;
		for (let k = 0; k < 38; k++) {
			const md = add("MCH", `BBM-A-${1187 + i}-${k + 1}`, "BBM-A", "버스바 모듈 A", k < 21 - i ? "ok" : "on_hold", k < 21 - i ? "MOT-03" : "MOT", 1, "ea", T0 - 21 * H + k * 60_000);
			link(ct, md, 1);
			link(racks[(i * 2 + (k & 1)) % 4], md, 3);
			if (k >= 21 - i) continue;
			const st = add("MOT", `STA-${60210 + i * 30 + k}`, "STA", "고정자", "ok", "MOT-05", 1, "ea", T0 - 9 * H + k * 240_000);
			link(md, st, 1);
			const mt = add("MOT", `MTR-60A-${44810 + i * 30 + k}`, "MTR-60A", "모터 60 kW A형", hash(`m${i}${k}`) > 0.87 ? "scrapped" : "ok", "MOT", 1, "ea", T0 - 5 * H + k * 240_000);
			link(st, mt, 1);
		}
	}
	for (let i = 0; i < 320; i++) { const l = add("MLD", `HLD-B-${2000 + i}`, "HLD-B", "버스바 홀더 B", "ok", "MLD", 40, "ea", T0 - 140 * H + i * 0.3 * H); if (i < 280) link(lots[0], l, 0.4); }
}
const byKey = new Map(lots.map((l) => [`${l.firm}/${l.number}`, l])), byId = new Map(lots.map((l) => [l.id, l]));
function tree(l, dir, limit) {
	const nodes = new Map([[l.id, { ...l, depth: 0 }]]), out = new Set();
	let cut = false;
	const walk = (down) => { let at = [l.id], d = 0; const seen = new Set(at); while (at.length) { d++; const next = []; for (const k of links) { const a = down ? k.parent : k.child, b = down ? k.child : k.parent; if (!at.includes(a)) continue; if (seen.has(b)) { out.add(k); continue; } if (nodes.size >= limit) { cut = true; continue; } seen.add(b); out.add(k); next.push(b); nodes.set(b, { ...byId.get(b), depth: down ? d : -d }); } at = next; } };
	if (dir !== "up") walk(true);
	if (dir !== "down") walk(false);
	return { nodes: [...nodes.values()], links: [...out], cut };
}
const lotFull = (l) => ({
	...l,
	events: [{ id: 1, ref: "e1", kind: "receipt", t: iso(Date.parse(l.made) - 2 * H), asset: null, lot: null, quantity: l.quantity, unit: l.unit, from_place: "SUP", to_place: "MLD", partner: "SUP", text: null, corrects: null, reason: null, corrected_by: null }, { id: 2, ref: "e2", kind: "note", t: l.made, asset: "MLD-01", lot: null, quantity: null, unit: null, from_place: null, to_place: null, partner: null, text: "1호기 원료교체 대체품 1포 투입", corrects: null, reason: null, corrected_by: null }, { id: 3, ref: "e3", kind: "state", t: iso(Date.parse(l.made) + 3 * H), asset: null, lot: null, quantity: null, unit: null, from_place: null, to_place: null, partner: null, text: "잔여 보류", corrects: null, reason: null, corrected_by: null }],
	operations: [{ id: 1, ref: "o1", machine: "MLD-01", step: "moulding", item: l.item, mould: "M-117", cavity: "1", tool: null, standard_version: "WS-11/3", person: null, start: l.made, end: iso(Date.parse(l.made) + 0.25 * H), good: 38, rework: 0, scrap: 2, concession: 0, seq_first: 311_540, seq_last: 311_560 }],
	characteristics: [{ id: 1, name: "weight", value: 41.71, unit: "g", lower: 41.6, upper: 42.4, judged: 1, gauge: "G-04", spec_version: "3", person: null, t: iso(Date.parse(l.made) + 0.3 * H), asset: "MLD-01", seq: 311_541 }, { id: 2, name: "insulation", value: 88, unit: "MΩ", lower: 100, upper: null, judged: 0, gauge: null, spec_version: "2", person: null, t: iso(Date.parse(l.made) + 2 * H), asset: "MOT-06", seq: 12 }],
	parents: links.filter((k) => k.child === l.id).map((k) => ({ ...byId.get(k.parent), quantity: k.quantity, operation: null })),
	children: links.filter((k) => k.parent === l.id).map((k) => ({ ...byId.get(k.child), quantity: k.quantity, operation: null })),
});

/* ---- devices, imports ---- */
const config = (m) => (m.device === "push" ? { driver: "push", asset: m.code, measurement: m.code, interval_ms: 10_000, signals: m.signals.map((s) => ({ name: s.name, label: s.label, ...(s.unit ? { unit: s.unit } : {}) })) } : { driver: "modbus", host: "127.0.0.1", port: 5020 + machines.indexOf(m), unit: 1, poll_ms: 1000, timeout_ms: 1000, asset: m.code, enabled: m.code !== "MLD-05", signals: m.signals.filter((s) => s.kind === "clock").map((s, i) => ({ name: s.name, label: s.label, unit: s.unit, table: s.type === "boolean" ? "coil" : "holding", address: 100 + i * 2, type: s.type === "boolean" ? "bit" : "i16", scale: 0.1 })), cycle: { table: "holding", counter: { address: 200, type: "u32", order: "ABCD" }, poll_ms: 1000, lot: { address: 202, length: 8 }, signals: m.signals.filter((s) => s.kind === "sequence" && s.type !== "string").map((s, i) => ({ name: s.name, label: s.label, unit: s.unit, address: 210 + i * 2, type: "f32", order: "ABCD" })) }, state: { signal: "state", codes: { 0: "off", 1: "run", 2: "idle", 3: "alarm", 4: "setup" }, alarm: "alarm" } });
const devices = new Map(machines.map((m) => [m.code, { versions: [{ version: 1, json: config(m), who: "local", changed: iso(T0 - 9 * D) }, ...(m.code === "MLD-02" ? [{ version: 2, json: { ...config(m), poll_ms: 500 }, who: "local", changed: iso(T0 - 2 * D) }] : [])], at: 0 }]));
const current = (d) => d.versions[d.versions.length - 1];
const trouble = { code: "modbus_timeout", ko: "127.0.0.1:5026이(가) 1초 안에 답하지 않습니다. 전원과 주소를 확인해 주십시오", en: "127.0.0.1:5026 did not answer within 1 s. Check its power and its address" };
const status = (name) => (name === "MLD-07" ? { state: "offline", trouble, last_value: iso(T0 - 1.1 * H), values: 88_120 } : { state: "online", trouble: null, last_value: iso(now()), values: 1_204_332 });
const imports = new Map();
const proposal = (file) => ({ encoding: "CP949", delimiter: ",", header_lines: 1, asset: file.replace(/\.[^.]*$/, ""), time: { columns: [0], format: "D/M/YYYY hh:mm", zone: "Asia/Seoul", question: "month_or_day" }, columns: [{ index: 0, name: "일시", header: "일시", unit: "", use: "time", type: "string", signal: "일시" }, { index: 1, name: "온도", header: "온도(℃)", unit: "℃", use: "value", type: "float", signal: "온도" }, { index: 2, name: "전력", header: "전력[kWh]", unit: "kWh", use: "value", type: "float", signal: "전력" }, { index: 3, name: "상태", header: "상태", unit: "", use: "value", type: "string", signal: "상태" }, { index: 4, name: "계량기", header: "계량기", unit: "", use: "tag", type: "string", signal: "계량기" }, { index: 5, name: "비고", header: "비고", unit: "", use: "ignore", type: "string", signal: "비고" }], rows_seen: 35_040, remembered: false });
if (mode !== "empty") imports.set("0192-done", { id: "0192-done", file: "steel_energy_gwangyang.csv", t: iso(T0 - 30 * H), state: "done", proposal: proposal("steel_energy_gwangyang.csv"), progress: 1, result: { rows: 35_040, taken: 35_032, replaced: 4, same: 1, refused: 4, series: [uuid("steel")], lots: 0, errors: [{ line: 118, code: "csv_time", field: "일시", value: "31/02/2018 00:15", expected: "D/M/YYYY hh:mm", detail: { ko: "일시 \"31/02/2018 00:15\"은(는) 없는 날짜입니다", en: "일시 \"31/02/2018 00:15\" is not a date" } }, { line: 9021, code: "csv_number", field: "온도", value: "2O.1", expected: "숫자", detail: { ko: "온도 \"2O.1\"을(를) 숫자로 읽을 수 없습니다", en: "온도 \"2O.1\" is not a number" } }] } });

/* ---- the last backup: a good one, then a share that was not mounted ---- */
const backupEnd = (ok, t, why) => ({ target: "/mnt/share/mld", t: iso(t), ok, snapshot: ok ? "20261121010000-0a9f00ff" : null, files: 812, bytes: 1_204_331_008, written: 2_113_536, why });
const backupState = { target: "/mnt/share/mld", every_hours: 24, running: false, files: 0, bytes: 0, age_s: 27 * 3600, good: backupEnd(true, T0 - 27 * H, null), last: backupEnd(false, T0 - 3 * H, { code: "backup_target_none", ko: "/mnt/share/mld에는 백업이 없습니다", en: "/mnt/share/mld holds no backup" }) };
/* ---- phone ---- */
/* Modules by chance with a code's three corners: a picture, not a code that says something (tests/e2e/test_phone.py reads real ones). */
const corner = (x, y) => Math.max(Math.abs(x - 3), Math.abs(y - 3));
const dark = (x, y) => { for (const [a, b] of [[x, y], [28 - x, y], [x, 28 - y]]) if (corner(a, b) <= 4) return corner(a, b) !== 2 && corner(a, b) !== 4; return hash(`${x},${y}`) < 0.5; };
const modules = Array.from({ length: 29 * 29 }, (_, i) => [i % 29, Math.floor(i / 29)]).filter(([x, y]) => dark(x, y)).map(([x, y]) => `M${x + 4} ${y + 4}h1v1h-1z`).join("");
const place = (host) => ({ host, url: `https://${host}:8470/ca`, size: 37, path: modules });
const phone = { tls: true, others: true, ca: { subject: "CN=Moru 01938f2a7c1d", sha256: Array.from({ length: 32 }, (_, i) => (i * 41 % 256).toString(16).padStart(2, "0").toUpperCase()).join(":"), to: "2046-11-21T00:00:00Z" }, places: ["192.168.0.10", "10.0.0.7", "moru.factory.lan"].map(place) };

/* ---- log ---- */
let crash = mode === "crash";
const logLines = () => Array.from({ length: 130 + Math.floor((now() - T0) / 60_000) }, (_, i) => {
	const number = i + 1, t = iso(T0 - (130 - i) * 60_000), args = [];
	if (number === 1) return { number, t, level: "info", code: "node_started", detail: { ko: "노드를 시작했습니다 (버전 0.1.0, 열 수 있는 파일 65536개)", en: "The node has started (version 0.1.0, 65536 files may be open)" }, args };
	if (number % 40 === 0) return { number, t, level: "error", code: "thread_stuck", detail: { ko: "store 스레드가 12초째 멈춰 있습니다. 디스크와 PC 상태를 살펴보십시오", en: "Thread store has not got on for 12 s. Please look at the disk and the PC" }, args };
	if (number % 7 === 0) return { number, t, level: "warn", code: "clock_set_back", detail: { ko: "PC 시계가 7초 뒤로 돌아갔습니다", en: "The PC's clock was set back by 7 s" }, args };
	return { number, t, level: "info", code: "settings_reloaded", detail: { ko: "moru.yaml 설정을 다시 읽었습니다", en: "Read the settings in moru.yaml again" }, args };
}).reverse();

/* ---- answers ---- */
const problem = (res, code, id, ko, en, more = {}) => { res.writeHead(code, { "Content-Type": "application/problem+json" }); res.end(JSON.stringify({ type: "about:blank", title: en, status: code, code: id, detail: { ko, en }, ...more })); };
const nope = (res) => problem(res, 404, "api_not_found", "찾는 것이 없습니다", "Not found");
const send = (res, o, code = 200) => { res.writeHead(code, { "Content-Type": "application/json" }); res.end(JSON.stringify(o)); };
const list = (items, next = null) => ({ items, next });
const body = (req) => new Promise((ok) => { const b = []; req.on("data", (x) => b.push(x)); req.on("end", () => ok(Buffer.concat(b).toString())); });
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const csp = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
let changeNo = 100, streams = new Set(), down = false, fault = null;
const change = (noun, key) => { const line = { number: ++changeNo, t: iso(now()), noun, key: String(key), did: "changed" }; for (const s of streams) s.res.write(`id: ${changeNo}\nevent: change\ndata: ${JSON.stringify([line])}\n\n`); };
setInterval(() => { for (const s of streams) {
	s.res.write(`event: clock\ndata: ${JSON.stringify({ now: iso(now()), mode: mode === "history" ? "stepped" : "scaled", scale, history: history() })}\n\n`);
	s.res.write(`event: device\ndata: ${JSON.stringify(machines.map((m) => ({ asset: m.code, stale: stale(m.code) })))}\n\n`);
} }, 1000);
setInterval(() => { for (const s of streams) if (s.ids.length) s.res.write(`event: value\ndata: ${JSON.stringify(s.ids.map((id) => series.get(id)).filter(Boolean).map((x) => { const l = last(x); return { id: x.id, t_ms: Date.parse(l.t), v: l.value, q: l.quality, ...(l.seq ? { seq: l.seq } : {}) }; }))}\n\n`); }, 500);

/* ---- the disk: nearly full ---- */
const diskState = { state: "no_blobs", free_bytes: 14_000_000_000, size_bytes: 240_000_000_000 };
const diskAll = { ...diskState, marks: { warn: 85, spare: 90, no_blobs: 93, no_values: 96, reserve_bytes: 67_108_864 }, refused: { blobs: 2, values: 0 }, values_lost: 0, written: { device_bytes: 5_000_000_000, taken_bytes: 1_250_000_000, ratio: 4 } };

/* ---- rules of retention ---- */
let keepRules = { version: 2, rules: [{ class: "values", keep_days: 400 }, { class: "sequences", asset: "MLD-01", keep_days: 3650 }], running: false, waits: false, last: { t: iso(T0 - 5 * H), version: 2, values: 1200, bytes: 81920, segments: 2, left: 0, cases: 4, files: 2, file_bytes: 3_400_000, audit: 0 } };

/* ---- accounts ---- */
let locked = null;
const logins = new Map();
const certOf = (cn, issuer, days, names = []) => ({ subject: `CN=${cn}`, issuer: `CN=${issuer}`, names, not_before: iso(T0 - 30 * D), not_after: iso(T0 + days * D), days_left: days, ca: false });
const trustOf = (hex, state, more = {}) => ({ fingerprint: hex.repeat(32), version: 1, readable: true, state, purposes: ["https-out"], authority: false, label: "", peer: "sink:ERP", by: state === "waiting" ? "" : "kim", added: iso(T0 - 2 * H), uri: "", key: "P-256", certificate: "", ...certOf("erp.daehan.example", "Daehan Works CA", 301, ["erp.daehan.example", "10.20.0.7"]), ...more });
const trustList = [trustOf("a7", "waiting"), trustOf("3c", "trusted", { label: "Daehan CA", authority: true, peer: "", purposes: ["https-out", "partner"], ...certOf("Daehan Works CA", "Daehan Works CA", 2200) }), trustOf("e0", "refused", certOf("test", "test", -3, ["erp.daehan.example"]))];
const keyOf = (purpose, renewal, certificate, hex) => ({ purpose, use: "serve", algorithm: "P-256", renewal, in_backups: true, good: true, trouble: null, fingerprint: hex.repeat(32), certificate });
const keyList = [keyOf("signing", "stays", null, "91"), keyOf("ca", "stays", certOf("한빛정밀 (a1b2c3d4e5f6)", "한빛정밀 (a1b2c3d4e5f6)", 7211), "44"), keyOf("server", "anew_before_end", certOf("moru.local", "한빛정밀 (a1b2c3d4e5f6)", 371, ["localhost"]), "b8")];
const every = ["open", "self", "machines", "read", "audit", "cases", "records", "import", "devices", "write", "sql", "metrics", "export", "backup", "settings", "accounts", "sinks", "trust", "people", "erase"];
/* ---- an export that is kept, one that is made in two seconds; a good restore drill, then one that fails ---- */
const exportItem = (name, at) => ({ name, bytes: 48_211_004, made: iso(at), until: iso(at + D) });
const exportItems = mode === "empty" ? [] : [exportItem("moru-20261121-230000-0a9f00ff.zip", T0 - H)];
let exportRun = null, drillRun = 0;
const drillEnd = (ok) => ({ target: "/mnt/share/mld", t: iso(T0 - 12 * D), took_ms: 83_000, ok, snapshot: "20261109010000-0a9f00ff", files: 812, bytes: 1_204_331_008, compared: 200, findings: ok ? 0 : 1, found: ok ? [] : [{ code: "drill_differs", ko: "/mnt/share/mld의 백업이 노드와 다릅니다: event (e-17)", en: "The backup in /mnt/share/mld differs from the node: event (e-17)" }], why: ok ? null : { code: "drill_failed", ko: "/mnt/share/mld의 백업으로 복원 연습을 했지만 이상이 1건 있습니다", en: "The restore drill of /mnt/share/mld had 1 finding(s)" } });
let drillLast = mode === "empty" ? null : drillEnd(true);
const drillState = () => { if (drillRun && Date.now() - drillRun > 1500) { drillRun = 0; drillLast = drillEnd(false); } return { running: !!drillRun, age_s: drillLast ? (drillLast.ok ? 12 * 86400 : 30) : null, target: mode === "empty" ? null : "/mnt/share/mld", every_hours: 336, last: drillLast }; };
const sessionOf = (key) => ({ account: key ? logins.get(key) : null, role: key ? locked : null, csrf: key ? `csrf-${key}` : null, permissions: key && locked === "vendor" ? ["open", "self", "machines", "metrics"] : key && locked === "quality" ? every.filter((x) => x !== "people" && x !== "erase") : every, accounts: locked !== null });
const accountList = [{ id: 1, name: "kim", role: "owner", made: iso(T0 - 9 * D), changed: iso(T0 - 2 * D), disabled: null }, { id: 2, name: "lee", role: "quality", made: iso(T0 - 8 * D), changed: iso(T0 - 8 * D), disabled: null }, { id: 3, name: "builder", role: "vendor", made: iso(T0 - 8 * D), changed: iso(T0 - 8 * D), disabled: iso(T0 - D) }];
const personList = mode === "empty" ? [] : [["P-7K3F", "김온달", false], ["P-9QX2", "박혁거세", false], ["P-C04M", null, true]].map(([pseudonym, name, gone]) => ({ pseudonym, name, erasing: gone ? iso(T0 - D) : null, erased: gone ? iso(T0 - D) : null }));
const personFiles = { "P-7K3F": [["안전교육 사진.jpg", "image/jpeg", 482_113], ["자격증.pdf", "application/pdf", 91_200]], "P-C04M": [[null, "image/jpeg", 220_400]] };
const filesOf = (code) => (personFiles[code] ?? []).map(([name, media, size], i) => ({ file: uuid(`${code}${name}${i}`), media, name, size, t: iso(T0 - (i + 2) * D), who: "kim" }));
const personOut = (x, reason = "request", who = "kim") => ({ pseudonym: x.pseudonym, uuid: uuid(x.pseudonym), name: x.name, erasure: x.erased ? { begun: x.erasing, done: x.erased, who, reason, destroyed: ["key", "name", "texts"], copies: 0, files: filesOf(x.pseudonym).length, searched: true, found: [{ object: "event", key: "e-17", field: "text" }, { object: "asset", key: "MLD-01", field: "name" }], targets: [{ target: "/mnt/usb", done: x.erased }, { target: "/mnt/nas", done: null }] } : null });
const tokenList = [{ id: 1, name: "telegraf", role: null, permissions: "write", maker: "kim", made: iso(T0 - 3 * D), seen: iso(T0 - H), expires: null, revoked: null }, { id: 2, name: "old", role: "read_only", permissions: null, maker: "kim", made: iso(T0 - 3 * D), seen: null, expires: null, revoked: iso(T0 - D) }];
const sinkOf = (enabled, what, url) => ({ url, what, enabled, plain: false, rate: 100, timeout_ms: 30000, keep_hours: 168, behind_max: 1000000, token: true });
const sinkIs = (more) => ({ state: "idle", pending: 0, oldest: null, oldest_age_s: null, sent: 41_230, skipped: 0, last: iso(T0 - 60_000), aside: 0, failures: 0, wait_s: 0, trouble: null, ...more });
const sinkList = [
	{ name: "ERP", version: 3, config: sinkOf(true, ["lots", "links", "events"], "https://erp.example.com/moru"), status: sinkIs({}) },
	{ name: "head office", version: 1, config: sinkOf(true, ["lots", "operations", "cases", "states"], "https://data.example.com/in?line=3"), status: sinkIs({ state: "waiting", pending: 1_204, oldest: iso(T0 - 5 * H), oldest_age_s: 5 * 3600, sent: 820, skipped: 12, aside: 2, failures: 31, wait_s: 95, trouble: { code: "sink_answered", ko: "받는 쪽이 503번 상태로 거절했습니다", en: "The receiver answered with status 503" } }) },
	{ name: "archive", version: 2, config: sinkOf(false, ["changes"], "http://127.0.0.1:9000/"), status: sinkIs({ state: "off", sent: 7 }) },
];
const asideList = [{ id: 1, number: 812, t: iso(T0 - 4 * H), status: 422, reason: "unit kg unknown", again: false, noun: "lot", key: "MLD/HLD-A-1117", did: "changed" }, { id: 2, number: 815, t: iso(T0 - 4 * H), status: 422, reason: "unit kg unknown", again: false, noun: "lot", key: "MLD/HLD-A-1118", did: "new" }];
const unknown = (res) => problem(res, 401, "api_unknown", "로그인이 필요합니다", "Please log in");

const server = createServer(async (req, res) => {
	const u = new URL(req.url, "http://x"), q = u.searchParams, p = u.pathname.split("/").filter(Boolean).map(decodeURIComponent);
	if (u.pathname === "/mock/down") { down = q.get("on") === "1"; if (down) { for (const s of streams) s.res.destroy(); streams.clear(); } return send(res, { down }); }
	if (u.pathname === "/mock/fault") { fault = q.get("kind") ? { kind: q.get("kind"), path: q.get("path") ?? "/api/" } : null; return send(res, { fault }); }
	if (down && p[0] === "api") return req.destroy();
	if (fault && u.pathname.startsWith(fault.path) && p[2] !== "live") {
		if (fault.kind === "error") return problem(res, 500, "store_io", "디스크에 쓸 수 없습니다: 남은 공간이 없습니다", "The disk cannot be written: no space is left");
		if (fault.kind === "bare") { res.writeHead(502, { "Content-Type": "text/html" }); return res.end("<h1>Bad gateway</h1>"); }
		if (fault.kind === "garbage") { res.writeHead(200, { "Content-Type": "application/json" }); return res.end('{"items":[{"id":'); }
		if (fault.kind === "slow") await new Promise((ok) => setTimeout(ok, 1800));
	}
	if (u.pathname === "/mock/login") { locked = q.get("role") || null; logins.clear(); return send(res, { locked }); }
	if (p[0] === "api" && p[2] === "session") {
		const key = /moru_session=(\w+)/.exec(req.headers.cookie ?? "")?.[1];
		if (req.method === "POST") {
			const j = JSON.parse(await body(req));
			if (j.password !== "correct-horse-9") return problem(res, 401, "login_wrong", "이름이나 비밀번호가 맞지 않습니다", "The name or the password is wrong");
			const fresh = `s${logins.size + 1}`;
			logins.set(fresh, j.name);
			res.setHeader("Set-Cookie", `moru_session=${fresh}; Path=/; HttpOnly; SameSite=Strict`);
			return send(res, sessionOf(fresh));
		}
		if (locked && !logins.has(key)) return unknown(res);
		if (req.method === "DELETE") { logins.delete(key); res.writeHead(204); return res.end(); }
		return send(res, sessionOf(locked ? key : null));
	}
	if (p[0] === "api" && locked) {
		const key = /moru_session=(\w+)/.exec(req.headers.cookie ?? "")?.[1];
		if (!logins.has(key)) return unknown(res);
		if (req.method !== "GET" && req.headers["x-moru-csrf"] !== `csrf-${key}`) return problem(res, 403, "api_csrf", "이 화면에서 보낸 것이 아닌 변경 요청이라 받지 않았습니다", "Refused: the change was not sent by this page");
	}
	if (p[0] === "api") {
		const [, , a, b, d, e] = p;
		if (a === "node") return send(res, { id: uuid("node"), name: mode === "empty" ? "새 공장" : "예시사출", firm: "MLD", version: "0.1.0", lang: "ko", zone: "Asia/Seoul", clock: { now: iso(now()), mode: mode === "history" ? "stepped" : "scaled", scale }, demo: true, history: history(), day_begins: "08:00", made: iso(T0 - 9 * D), crash: crash && { t: iso(T0 - 20 * 60_000), started: iso(T0 - 3 * D), version: "0.1.0", build: "6f1c22", signal: "SIGSEGV", thread: "worker", frames: ["moru+0x1f00", "libc.so.6+0x28249"], whole: true, file: "000001-20261122T000000Z.txt" } });
		if (a === "crash") { crash = false; res.writeHead(204); return res.end(); }
		if (a === "phone") return send(res, phone);
		if (a === "log") {
			const least = ["info", "warn", "error"].indexOf(q.get("level") ?? "info"), before = Number(q.get("cursor") ?? 1e9), limit = Number(q.get("limit") ?? 100);
			const items = logLines().filter((l) => ["info", "warn", "error"].indexOf(l.level) >= least && l.number < before).slice(0, limit);
			return send(res, list(items, items.length === limit && items.at(-1).number > 1 ? String(items.at(-1).number) : null));
		}
		if (a === "disk") return send(res, diskAll);
		if (a === "retention" && req.method === "PUT") {
			const j = JSON.parse(await body(req));
			if (req.headers["if-match"] !== `"${keepRules.version}"`) return problem(res, 409, "store_doc_version", "다른 사람이 먼저 바꾸었습니다", "Somebody else changed it first");
			if (new Set(j.rules.map((x) => `${x.class} ${x.asset ?? ""}`)).size < j.rules.length) return problem(res, 400, "retention_rule", "같은 것에 규칙이 둘일 수 없습니다", "No two rules may be for the same");
			keepRules = { ...keepRules, version: keepRules.version + 1, rules: j.rules };
			return send(res, { name: "retention", version: keepRules.version });
		}
		if (a === "retention" && b === "preview") {
			const kind = q.get("class"), days = Number(q.get("keep_days")), old = { files: 90, cases: 400, audit: 700 }[kind], gone = old > days;
			return send(res, { class: kind, keep_days: days, before: iso(now() - days * D), removed: gone ? { files: 12, cases: 31, audit: 5400 }[kind] : 0, bytes: gone && kind === "files" ? 3_400_000 : 0, from: gone ? iso(now() - old * D) : null, to: gone ? iso(now() - days * D) : null });
		}
		if (a === "retention") return send(res, keepRules);
		if (a === "today") {
			const t = now(), local = t + 9 * H, from = Math.floor((local - 8 * H) / D) * D + 8 * H - 9 * H;
			return send(res, { from: iso(from), to: iso(t), machines: machines.map((m) => { const st = statesOf(m, from, t), l = st[st.length - 1]; const sum = (f2) => st.filter(f2).reduce((x, s) => x + Date.parse(s.to) - Date.parse(s.from), 0); const all = sum((s) => s.state !== "no_data" && s.state !== "planned"); return { asset: m.code, name: m.name, state: l?.state ?? "no_data", since: l?.from ?? null, alarm: l?.alarm ?? 0, running_share: all ? sum((s) => s.state === "running") / all : null, stale: stale(m.code), states: st }; }), cases: mode === "history" ? [] : caseList.filter((x) => x.state === "open").map((x) => caseOut(x)), counts: { signal: series.size, lot: lots.length }, disk: mode === "empty" ? { ...diskState, state: "plenty" } : diskState, backup: mode === "empty" ? null : { ...backupState, drill: drillState() } });
		}
		if (a === "restore-drill") { if (req.method === "POST") { await body(req); drillRun = Date.now(); } return send(res, drillState()); }
		if (a === "exports") {
			if (exportRun && Date.now() - exportRun.at > 2500) { exportItems.unshift(exportItem(exportRun.name, T0)); exportRun = null; }
			if (req.method === "DELETE") { exportRun = null; const i = exportItems.findIndex((x) => x.name === b); if (i >= 0) exportItems.splice(i, 1); res.writeHead(204); return res.end(); }
			if (req.method === "POST") {
				await body(req);
				if (q.get("from") && q.get("to") && q.get("from") >= q.get("to")) return problem(res, 400, "export_range", "내보낼 기간의 끝은 시작보다 뒤여야 합니다", "The range must end after it begins");
				exportRun = { at: Date.now(), name: "moru-20261122-001000-0badcafe.zip", asked: `${q.get("from")} ${q.get("to")}` };
				return send(res, { name: exportRun.name, asked: exportRun.asked });
			}
			return send(res, { running: exportRun && { name: exportRun.name, files: 12, values: 1_204_331, records: 40, unreadable: 0, bytes: 9_113_536 }, failed: null, keep_hours: 24, items: exportItems });
		}
		if (a === "trust" && !b && req.method === "GET") return send(res, list(mode === "empty" ? [] : trustList));
		if (a === "trust") {
			const j = req.method === "DELETE" ? null : JSON.parse(await body(req)), x = trustList.find((y) => y.fingerprint === b);
			if (req.method === "POST" && !(j.certificate ?? "").includes("BEGIN CERTIFICATE") && !j.der) return problem(res, 400, "trust_no_certificate", "certificate에 읽을 수 있는 인증서가 없습니다", "certificate holds no certificate that can be read", { field: "certificate" });
			if (!j) trustList.splice(trustList.indexOf(x), 1);
			else if (x) Object.assign(x, { state: j.state, by: "kim", version: x.version + 1 });
			else trustList.push(trustOf("5d", "trusted", { label: j.label, purposes: j.purposes, by: "kim", peer: "" }));
			return send(res, { name: b, version: 2 });
		}
		if (a === "keys") return send(res, list(keyList));
		if (a === "sinks" && !b) return send(res, list(sinkList));
		if (a === "sinks") {
			const x = sinkList.find((y) => y.name === b);
			if (d === "aside" && !e) return send(res, list(b === "head office" ? asideList : []));
			if (d === "aside") { const at = asideList.findIndex((y) => y.id === Number(e)); if (req.method === "DELETE") asideList.splice(at, 1); else asideList[at].again = true; sinkList[1].status.aside = asideList.length; res.writeHead(204); return res.end(); }
			if (d === "test") return send(res, b === "ERP" ? { ok: true, status: 204, took_ms: 38, trouble: null } : { ok: false, status: 503, took_ms: 12, trouble: sinkList[1].status.trouble });
			if (req.method === "DELETE") { sinkList.splice(sinkList.indexOf(x), 1); return send(res, { name: b, version: 9 }); }
			const j = JSON.parse(await body(req));
			if (j.url.startsWith("http://10.")) return problem(res, 400, "sink_plain", "http://10.0.0.1은 암호화되지 않은 주소입니다", "http://10.0.0.1 is not encrypted", { field: "url" });
			if ("token" in j && typeof j.token !== "string") return problem(res, 400, "sink_token", "토큰은 빈칸 없는 ASCII 글자입니다", "A token is ASCII without blanks", { field: "token" });
			if (x) Object.assign(x, { version: x.version + 1, config: { ...x.config, ...j, token: true }, status: sinkIs({ ...x.status, state: j.enabled ? "idle" : "off", trouble: null, pending: 0 }) });
			else sinkList.push({ name: b, version: 1, config: { ...sinkOf(true, j.what, j.url), token: "token" in j }, status: sinkIs({ sent: 0 }) });
			return send(res, { name: b, version: 1 });
		}
		if (a === "accounts" && req.method === "GET") return send(res, list(accountList));
		if (a === "accounts") {
			const j = req.method === "PUT" ? JSON.parse(await body(req)) : null, x = accountList.find((y) => y.name === b);
			if (req.method === "DELETE" && x?.role === "owner") return problem(res, 409, "store_last_owner", "계정 kim은 마지막 대표(owner)라서 지울 수 없습니다", "kim is the last owner: it cannot be removed");
			if (req.method === "DELETE") { accountList.splice(accountList.indexOf(x), 1); res.writeHead(204); return res.end(); }
			if (d === "password") { res.writeHead(204); return res.end(); }
			if (x) Object.assign(x, j.role ? { role: j.role } : {}, "disabled" in j ? { disabled: j.disabled ? iso(now()) : null } : {});
			else accountList.push({ id: accountList.length + 1, name: b, role: j.role, made: iso(now()), changed: iso(now()), disabled: null });
			return send(res, { name: b, role: (x ?? j).role, disabled: false, did: x ? "changed" : "new" });
		}
		if (a === "people" && req.method === "GET" && !b) return send(res, list(personList.map((x) => (locked === "quality" ? { ...x, name: null } : x))));
		if (a === "people") {
			if (d === "files") {
				const one = personList.find((y) => y.pseudonym === b), l = (personFiles[b] ??= []);
				if (req.method === "POST") { if (!/^(image\/(jpeg|png|webp)|application\/pdf)$/.test(req.headers["content-type"])) return problem(res, 415, "api_body_type", "받지 않는 형식입니다", "This type is not taken"); const size = Number(req.headers["content-length"]); req.resume(); l.push([q.get("name"), req.headers["content-type"], size]); return send(res, { file: filesOf(b).at(-1).file, pseudonym: b }, 201); }
				if (req.method === "DELETE") { l.splice(filesOf(b).findIndex((y) => y.file === p[5]), 1); res.writeHead(204); return res.end(); }
				return send(res, { erased: one.erased, items: filesOf(b).map((y) => (one.erased || locked === "quality" ? { ...y, name: null } : y)) });
			}
			const x = personList.find((y) => y.pseudonym === b), j = req.method === "POST" ? JSON.parse(await body(req)) : null;
			if (b && !x) return nope(res);
			if (!b) { const fresh = { pseudonym: "P-Z1Z1", name: j.name, erasing: null, erased: null }; personList.push(fresh); return send(res, { ...personOut(fresh), did: "new" }); }
			if (d === "erase" && j.reason.includes(x.name)) return problem(res, 400, "store_erase_reason", "사유에 그 사람의 이름을 적지 마십시오", "Do not write the person's name into the reason");
			if (d === "erase") Object.assign(x, { name: null, erasing: iso(now()), erased: iso(now()) });
			return send(res, personOut(x));
		}
		if (a === "tokens" && req.method === "GET") return send(res, list(tokenList));
		if (a === "tokens" && req.method === "DELETE") { tokenList.find((x) => x.id === Number(b)).revoked = iso(now()); res.writeHead(204); return res.end(); }
		if (a === "tokens") { const j = JSON.parse(await body(req)); tokenList.push({ id: tokenList.length + 1, name: j.name, role: null, permissions: j.permissions.join(), maker: "kim", made: iso(now()), seen: null, expires: null, revoked: null }); return send(res, { id: tokenList.length, name: j.name, token: `moru_${"A".repeat(43)}` }); }
		if (a === "assets" && !b) return send(res, list([...machines, ...others].filter((x) => !q.get("kind") || x.kind === q.get("kind")).map((x, i) => ({ id: i + 1, code: x.code, name: x.name, kind: x.kind, parent: null, unit: x.unit ?? null })).sort((x, y) => (x.code < y.code ? -1 : 1))));
		if (a === "assets") {
			const m = machines.find((x) => x.code === b), x = m ?? others.find((y) => y.code === b);
			if (!x) return nope(res);
			const from = q.has("from") ? Date.parse(q.get("from")) : now() - D, to = q.has("to") ? Math.min(now(), Date.parse(q.get("to"))) : now();
			if (d === "states") return send(res, { items: m ? statesOf(m, from, to) : [] });
			if (d === "stops") return send(res, { items: [] });
			const st = m ? statesOf(m, now() - D, now()) : [], l = st[st.length - 1];
			return send(res, { id: 1, code: x.code, name: x.name, kind: x.kind, parent: null, unit: x.unit ?? null, state: l?.state ?? null, since: l?.from ?? null, stale: stale(x.code) });
		}
		if (a === "signals") return send(res, list([...series.values()].filter((s) => !q.get("asset") || s.asset === q.get("asset")).map(signal)));
		if (a === "series") {
			const s = series.get(b);
			if (!s) return nope(res);
			const x = extent(s), t2 = (t) => (s.rows ? `1970-01-01T00:00:00.${String(Math.round(t * 1e6)).padStart(9, "0")}Z` : iso(t));
			if (!d) return send(res, { ...signal(s), points: 1e6, first: t2(x.first), last_t: t2(x.last) });
			if (d === "chart") return s.type === "string" ? problem(res, 409, "api_no_chart", "글자 값은 차트로 그릴 수 없습니다", "Text values cannot be charted") : send(res, chart(s, q));
			const from = Math.max(x.first, nano(q.get("from") ?? t2(x.first))), to = Math.min(x.last + 1e-6, nano(q.get("to") ?? t2(x.last))), limit = Number(q.get("limit") ?? 1000), r = { t_ms: [], seq: s.kind === "sequence" ? [] : null, v: [], q: null, next: null };
			const start = q.get("cursor") ? Number(q.get("cursor")) : Math.ceil(from / s.period), desc = q.get("order") === "desc";
			let k = desc ? Math.floor(to / s.period) : start;
			for (; (desc ? k * s.period >= from : k * s.period < to) && r.v.length < limit; k += desc ? -1 : 1) { r.t_ms.push(k * s.period); r.seq?.push(k % 1e6); r.v.push(valueAt(s, k * s.period)); }
			if (!desc && k * s.period < to) r.next = String(k);
			return send(res, r);
		}
		if (a === "lots" && !b) { const off = Number(q.get("cursor") ?? 0), limit = Number(q.get("limit") ?? 100), t = (q.get("q") ?? "").toLowerCase(); const all = [...lots].reverse().filter((l) => (!t || l.number.toLowerCase().includes(t)) && (!q.get("state") || l.state === q.get("state")) && (!q.get("item") || l.item === q.get("item"))); return send(res, list(all.slice(off, off + limit), off + limit < all.length ? String(off + limit) : null)); }
		if (a === "lots") { const l = byKey.get(`${b}/${d}`); return !l ? problem(res, 404, "api_no_lot", `${b}의 로트 ${d}이(가) 없습니다`, `There is no lot ${d} of ${b}`) : e === "tree" ? send(res, tree(l, q.get("direction") ?? "down", Number(q.get("limit") ?? 2000))) : send(res, lotFull(l)); }
		if (a === "operations") return send(res, list(q.get("machine") === "MLD-01" ? [0, 1, 2, 3].map((i) => ({ id: i, ref: `o${i}`, machine: "MLD-01", step: "moulding", lot: { firm: "MLD", number: `HLD-A-${1117 + i}` }, item: "HLD-A", start: iso(now() - (i + 1) * 0.5 * H), end: i ? iso(now() - i * 0.5 * H) : null, good: 40 })) : []));
		if (a === "events") return send(res, list([]));
		if (a === "cases" && !b) return send(res, list((mode === "history" ? [] : caseList).filter((x) => (!q.get("state") || x.state === q.get("state")) && (!q.get("asset") || x.asset === q.get("asset"))).map((x) => caseOut(x))));
		if (a === "cases") { const x = caseList.find((y) => y.id === Number(b)); if (!x) return nope(res); if (d === "state") { const j = JSON.parse(await body(req)); x.state = j.state; x.changed = now(); x.history.push({ t: iso(now()), state: j.state, who: "local", note: j.note ?? null }); change("case", x.id); return send(res, { state: j.state }); } return send(res, caseOut(x, true)); }
		if (a === "search") { const t = (q.get("q") ?? "").toLowerCase(); const hit = (s) => s.toLowerCase().includes(t); return send(res, list([...[...machines, ...others].filter((x) => hit(x.code + x.name)).map((x) => ({ kind: x.kind === "item" ? "item" : "asset", key: x.code, title: x.name, detail: x.kind })), ...[...series.values()].filter((s) => hit(s.label + s.name)).map((s) => ({ kind: "signal", key: s.id, title: s.label, detail: s.asset })), ...lots.filter((l) => hit(l.number)).map((l) => ({ kind: "lot", key: `${l.firm}/${l.number}`, title: l.number, detail: l.item_name }))].slice(0, Number(q.get("limit") ?? 20)))); }
		if (a === "devices" && !b) return send(res, list([...devices].map(([name, x]) => ({ name, version: current(x).version, config: current(x).json, status: status(name) })).filter((x) => x.config)));
		if (a === "devices" && b === "test") { await body(req); await new Promise((ok) => setTimeout(ok, 900)); return send(res, { ok: true, state: "online", trouble: null, values: [{ signal: "barrel_1", value: 274.8, quality: "good", unit: "°C" }, { signal: "oil", value: 46.1, quality: "uncertain", unit: "°C" }, { signal: "state", value: 1, quality: "good", unit: "" }], frames: [{ sent: true, hex: "00 01 00 00 00 06 01 03 00 64 00 0c" }, { sent: false, hex: "00 01 00 00 00 1b 01 03 18 0a bc 0a ee 0b 22 03 20 01 cc 00 b4 04 c2 70 00 00 00 00 00 00 00 00" }] }); }
		if (a === "devices") {
			const x = devices.get(b) ?? { versions: [] };
			if (d === "history") return send(res, list([...x.versions].reverse()));
			if (d === "undo") { await body(req); x.versions.push({ version: x.versions.length + 1, json: x.versions[x.versions.length - 2]?.json ?? null, who: "local", changed: iso(now()) }); }
			else if (req.method === "PUT") { const j = JSON.parse(await body(req)); if (j.driver === "modbus" && !(j.port > 0 && j.port < 65536)) return problem(res, 400, "modbus_field", `"port"에는 "${j.port}" 값을 쓸 수 없습니다. 맞는 값: 1..65535`, `"port" cannot be "${j.port}". Expected: 1..65535`, { field: "port" }); x.versions.push({ version: x.versions.length + 1, json: j, who: "local", changed: iso(now()) }); devices.set(b, x); }
			else if (req.method === "DELETE") x.versions.push({ version: x.versions.length + 1, json: null, who: "local", changed: iso(now()) });
			change("doc", `device/${b}`);
			return send(res, { name: b, version: x.versions.length });
		}
		if (a === "imports" && !b && req.method === "POST") { const file = q.get("name"), id = `0193-${imports.size}`; let n = 0; req.on("data", (x) => (n += x.length)); await new Promise((ok) => req.on("end", ok)); if (/\.xlsx?$/.test(file)) { const x = { id, file, t: iso(now()), state: "refused", proposal: null, progress: null, result: { rows: 0, taken: 0, replaced: 0, refused: 0, series: [], lots: 0, errors: [] }, trouble: { code: "intake_xlsx", ko: "이 판은 엑셀 통합 문서를 아직 읽지 못합니다. CSV로 저장해서 다시 가져와 주십시오", en: "This version does not read Excel workbooks yet. Save it as CSV and import that" } }; imports.set(id, x); return send(res, x, 201); } const x = { id, file, t: iso(now()), state: "proposed", proposal: proposal(file), progress: null, trouble: null, result: null, size: n }; imports.set(id, x); return send(res, x, 201); }
		if (a === "imports" && !b) return send(res, list([...imports.values()].reverse()));
		if (a === "imports") {
			const x = imports.get(b);
			if (!x) return nope(res);
			if (d === "preview") return send(res, { columns: x.proposal.columns.map((y) => y.header), rows: Array.from({ length: 12 }, (_, i) => [{ text: `0${1 + (i % 9)}/02/2018 00:${15 + i}`, ok: i !== 5, reading: i === 5 ? "–" : `2018-02-0${1 + (i % 9)} 00:${15 + i}:00.000` }, { text: (20.1 + i / 10).toFixed(1), ok: true, reading: (20.1 + i / 10).toFixed(1) }, { text: `1,${100 + i}`, ok: true, reading: `1${100 + i}` }, { text: i % 4 ? "가동" : "대기", ok: true, reading: i % 4 ? "가동" : "대기" }, { text: "M-01", ok: true, reading: "M-01" }, { text: i === 3 ? "정전" : "", ok: true, reading: "" }]) });
			if (d === "commit") { const j = JSON.parse(await body(req)); if (j.columns) x.proposal = j; x.state = "running"; x.progress = 0; const id = setInterval(() => { x.progress += 0.2; if (x.progress >= 1) { clearInterval(id); x.state = "done"; x.progress = 1; x.result = { rows: 35_040, taken: 35_036, replaced: 0, same: 0, refused: 4, series: [uuid("steel")], lots: 0, errors: imports.get("0192-done")?.result.errors ?? [] }; change("import", x.id); } }, 500); return send(res, x); }
			if (d === "refused.csv") { res.writeHead(200, { "Content-Type": "text/csv" }); return res.end("\ufeff일시,온도,이유\r\n"); }
			return send(res, x);
		}
		if (a === "live") { res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" }); const topics = q.get("topics") ?? "", v = /values:([^;]*)/.exec(topics); const s = { res, ids: v ? v[1].split(",") : [] }; streams.add(s); res.write(`event: clock\ndata: ${JSON.stringify({ now: iso(now()), mode: mode === "history" ? "stepped" : "scaled", scale, history: history() })}\n\n`); req.on("close", () => streams.delete(s)); return; }
		return nope(res);
	}
	const file = join(dist, normalize(u.pathname).replace(/^(\.\.[/\\])+/, "")), name = extname(file) && existsSync(file) ? file : join(dist, "index.html");
	if (extname(u.pathname) && name.endsWith("index.html") && !u.pathname.endsWith("/")) return nope(res);
	res.writeHead(200, { "Content-Type": types[extname(name)] ?? "application/octet-stream", "Content-Security-Policy": csp, "Cache-Control": "no-cache" });
	res.end(readFileSync(name));
});
server.listen(port, "127.0.0.1", () => console.log(`mock on http://127.0.0.1:${server.address().port}`));
