/* A real node for the browser tests: `moru init` and `moru serve` on a free port, a Modbus machine made of literal frames, and a small factory's
 * records sent through the doors of the API. Nothing here reaches into the node's folder. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

const READY = /moru: ready on (http:\/\/[\d.]+:\d+)/;
const START_MS = 20_000, END_MS = 15_000;

/* One node's folder; it can be started, killed and started again on the same port. */
export class Node {
	constructor(moru, dir) {
		this.moru = moru;
		this.dir = dir;
		this.child = null;
		this.base = "";
		this.log = "";
	}
	init(lang = "ko", more = []) {
		const r = spawnSync(this.moru, ["init", this.dir, "--lang", lang, "--name", "예시사출", "--firm", "MLD", "--zone", "Asia/Seoul", ...more], { encoding: "utf8" });
		assert.equal(r.status, 0, `moru init: ${r.stderr}`);
		return this;
	}
	async start() {
		const port = this.base ? new URL(this.base).port : "0";
		this.child = spawn(this.moru, ["serve", this.dir, "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "ignore", "pipe"] });
		const child = this.child;
		let tell, fail;
		const ready = new Promise((ok, no) => ((tell = ok), (fail = no)));
		const timer = setTimeout(() => fail(new Error(`the node is not ready after ${START_MS} ms: ${this.log.slice(-600)}`)), START_MS);
		child.stderr.setEncoding("utf8");
		child.stderr.on("data", (s) => {
			this.log = (this.log + s).slice(-20_000);
			const m = READY.exec(this.log.slice(-4000));
			if (m && this.child === child) tell(m[1]);
		});
		child.on("exit", (code) => fail(new Error(`the node ended with ${code}: ${this.log.slice(-600)}`)));
		try {
			this.base = await ready;
		} finally {
			clearTimeout(timer);
		}
		ready.catch(() => undefined);
		return this;
	}
	async kill(signal = "SIGKILL") {
		const child = this.child;
		this.child = null;
		this.log = "";
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const end = once(child, "exit");
		child.kill(signal);
		const hard = setTimeout(() => child.kill("SIGKILL"), END_MS);
		await end;
		clearTimeout(hard);
	}
	async get(path) {
		const r = await fetch(this.base + path);
		assert.ok(r.ok, `GET ${path}: ${r.status} ${r.ok ? "" : await r.text()}`);
		return r.json();
	}
	async send(method, path, body, type = "application/json", status = null) {
		const r = await fetch(this.base + path, { method, headers: { "Content-Type": type }, body: typeof body === "string" || body instanceof Buffer ? body : JSON.stringify(body) });
		const text = await r.text();
		assert.ok(status === null ? r.ok : r.status === status, `${method} ${path}: ${r.status} ${text.slice(0, 500)}`);
		return text ? JSON.parse(text) : null;
	}
	records(list) {
		return this.send("POST", "/api/v1/records", list.map((x) => JSON.stringify(x)).join("\n"), "application/x-ndjson");
	}
	async write(lines) {
		const r = await fetch(`${this.base}/write?db=moru&precision=ms`, { method: "POST", body: lines.join("\n") });
		assert.equal(r.status, 204, `write: ${r.status} ${r.ok ? "" : await r.text()}`);
	}
}

/* A Modbus TCP machine (Modbus Messaging on TCP/IP Implementation Guide V1.0b, 4.1): answers function 3 from one array of registers. */
export class Machine {
	constructor() {
		this.registers = new Uint16Array(300);
		this.sockets = new Set();
		this.silent = false;
		this.server = null;
		this.port = 0;
	}
	async start() {
		this.server = createServer((s) => {
			this.sockets.add(s);
			s.on("close", () => this.sockets.delete(s));
			s.on("error", () => undefined);
			let rest = Buffer.alloc(0);
			s.on("data", (d) => {
				rest = Buffer.concat([rest, d]);
				while (rest.length >= 12) {
					const frame = rest.subarray(0, 12);
					rest = rest.subarray(12);
					if (!this.silent) s.write(this.answer(frame));
				}
			});
		}).listen(this.port, "127.0.0.1");
		await once(this.server, "listening");
		this.port = this.server.address().port;
		this.timer = setInterval(() => this.live(), 250);
		this.began = Date.now();
		this.live();
		return this;
	}
	answer(q) {
		const at = q.readUInt16BE(8), n = q.readUInt16BE(10);
		if (q[7] !== 3 || at + n > this.registers.length) {
			const no = Buffer.from([q[0], q[1], 0, 0, 0, 3, q[6], q[7] | 0x80, q[7] === 3 ? 2 : 1]);
			return no;
		}
		const r = Buffer.alloc(9 + 2 * n);
		q.copy(r, 0, 0, 8);
		r.writeUInt16BE(3 + 2 * n, 4);
		r[8] = 2 * n;
		for (let i = 0; i < n; i++) r.writeUInt16BE(this.registers[at + i], 9 + 2 * i);
		return r;
	}
	/* 100: state, 101: alarm, 102..: temperatures in tenths, 110: power; 200: cycle counter, 202: lot, 210: values of the cycle. */
	live() {
		const t = (Date.now() - this.began) / 1000, r = this.registers;
		r[100] = 1;
		r[102] = Math.round(2750 + 12 * Math.sin(t / 3));
		r[103] = Math.round(2800 + 10 * Math.sin(t / 4));
		r[104] = Math.round(800 + 6 * Math.sin(t / 5));
		r[110] = Math.round(180 + 120 * Math.abs(Math.sin(t)));
		const n = 4100 + Math.floor(t / 1.5);
		if (n === r[201]) return;
		r[201] = n;
		Buffer.from("HLD-A-1130".padEnd(16, "\0")).forEach((c, i) => (r[202 + (i >> 1)] = i & 1 ? r[202 + (i >> 1)] | c : c << 8));
		r[210] = Math.round(4200 + 25 * Math.sin(n));
		r[211] = Math.round(950 + 8 * Math.sin(n * 1.7));
	}
	async stop() {
		clearInterval(this.timer);
		this.sockets.forEach((s) => s.destroy());
		if (this.server) {
			const end = once(this.server, "close");
			this.server.close();
			await end;
		}
		this.server = null;
	}
}

export const deviceConfig = (port, more = {}) => ({
	driver: "modbus", host: "127.0.0.1", port, unit: 1, asset: "MLD-01", enabled: true, poll_ms: 500, timeout_ms: 500,
	signals: [
		{ name: "state", label: "상태 값", table: "holding", address: 100, type: "u16" },
		{ name: "alarm", label: "알람 번호", address: 101, type: "u16" },
		{ name: "barrel_1", label: "배럴 1 온도", unit: "°C", address: 102, type: "i16", scale: 0.1 },
		{ name: "barrel_2", label: "배럴 2 온도", unit: "°C", address: 103, type: "i16", scale: 0.1 },
		{ name: "mould", label: "금형 온도", unit: "°C", address: 104, type: "i16", scale: 0.1 },
		{ name: "power", label: "전력", unit: "kW", address: 110, type: "u16", scale: 0.1 },
	],
	cycle: {
		table: "holding", counter: { address: 200, type: "u32", order: "ABCD" }, poll_ms: 500, lot: { address: 202, length: 8 },
		signals: [{ name: "cycle", label: "사이클 타임", unit: "s", address: 210, type: "u16", scale: 0.01 }, { name: "peak_pressure", label: "최대 사출압", unit: "MPa", address: 211, type: "u16", scale: 0.1 }],
	},
	state: { signal: "state", codes: { 0: "off", 1: "run", 2: "idle", 3: "alarm", 4: "setup" }, alarm: "alarm" },
	...more,
});

const MIN = 60_000, HOUR = 60 * MIN, DAY = 24 * HOUR;
const iso = (ms) => new Date(ms).toISOString();
/* The same noise in every run. */
const noise = (n) => {
	const x = Math.sin(n * 12.9898) * 43758.5453;
	return (x - Math.floor(x)) * 2 - 1;
};

/* A small factory: names, a year of one meter, a day of a pressing machine with its cycles, lots from the resin bag to the motors. */
export async function seed(node, machinePort) {
	const now = Date.now();
	const lot = (firm, number, item, state, place, quantity, unit, made) => ({ type: "lot", firm, number, item, state, place, quantity, unit, made: iso(made) });
	const list = [
		{ type: "asset", code: "MLD-01", name: "사출기 1호기", kind: "machine" },
		{ type: "asset", code: "MLD-05", name: "냉각기", kind: "machine" },
		{ type: "asset", code: "MCH-06", name: "압입기 6호기", kind: "machine" },
		{ type: "asset", code: "PA66-GF30", name: "수지 PA66-GF30", kind: "item", unit: "kg" },
		{ type: "asset", code: "HLD-A", name: "버스바 홀더 A", kind: "item", unit: "ea" },
		{ type: "asset", code: "BBM-A", name: "버스바 모듈 A", kind: "item", unit: "ea" },
		{ type: "asset", code: "MTR-60A", name: "모터 60 kW A형", kind: "item", unit: "ea" },
		{ type: "asset", code: "M-117", name: "금형 M-117", kind: "mould" },
		lot("SUP", "PA-2291", "PA66-GF30", "on_hold", "MLD", 25, "kg", now - 44 * HOUR),
	];
	const link = (parent, child, quantity, unit) => ({ type: "link", parent, child, quantity, unit });
	for (let i = 0; i < 13; i++) {
		const number = `HLD-A-${1117 + i}`, made = now - 40 * HOUR + i * 14 * MIN;
		list.push(lot("MLD", number, "HLD-A", i < 2 ? "shipped" : "on_hold", i < 2 ? "MCH" : "MLD", 40, "ea", made));
		list.push(link({ firm: "SUP", number: "PA-2291" }, { firm: "MLD", number }, 1.9, "kg"));
		list.push({ type: "operation", id: `mld-${number}`, machine: "MLD-01", step: "사출", lot: { firm: "MLD", number }, item: "HLD-A", mould: "M-117", cavity: "1", standard_version: "WS-11/3", start: iso(made), end: iso(made + 13 * MIN), good: 38, scrap: 2, seq_first: 3000 + i * 20, seq_last: 3019 + i * 20 });
		list.push({ type: "characteristic", id: `w-${number}`, lot: { firm: "MLD", number }, name: "무게", value: 41.7 + noise(i) * 0.08, unit: "g", lower: 41.6, upper: 42.4, pass: i !== 4, gauge: "G-04", t: iso(made + 12 * MIN), machine: "MLD-01" });
		if (i >= 2) continue;
		for (let k = 0; k < 12; k++) {
			const m = `BBM-A-${1187 + i}-${k + 1}`, motor = `MTR-60A-${44810 + i * 12 + k}`;
			list.push(lot("MCH", m, "BBM-A", "ok", "MOT", 1, "ea", now - 20 * HOUR + k * MIN), link({ firm: "MLD", number }, { firm: "MCH", number: m }, 1, "ea"));
			list.push(lot("MOT", motor, "MTR-60A", k === 3 ? "scrapped" : "ok", "MOT", 1, "ea", now - 5 * HOUR + k * 4 * MIN), link({ firm: "MCH", number: m }, { firm: "MOT", number: motor }, 1, "ea"));
		}
	}
	list.push({ type: "event", id: "r1", kind: "receipt", t: iso(now - 50 * HOUR), lot: { firm: "SUP", number: "PA-2291" }, quantity: 25, unit: "kg", partner: "수지 대리점" });
	list.push({ type: "event", id: "n1", kind: "note", t: iso(now - 44 * HOUR), asset: "MLD-01", lot: { firm: "SUP", number: "PA-2291" }, text: "1호기 원료교체 대체품 1포 투입" });
	await node.records(list);
	await node.send("PUT", "/api/v1/devices/MCH-06", { driver: "push", asset: "MCH-06", measurement: "MCH-06", interval_ms: 10_000, state: { signal: "state", codes: { 1: "run", 2: "idle", 3: "alarm" }, alarm: "alarm" } });
	const lines = [];
	/* A day: running, 30 minutes of waiting, 20 minutes of an alarm; the force falls for the last hours. */
	for (let t = now - 20 * HOUR; t < now; t += 10_000) {
		const ago = now - t, state = ago > 7 * HOUR && ago < 7.5 * HOUR ? 2 : ago > 3 * HOUR && ago < 3 * HOUR + 20 * MIN ? 3 : 1;
		lines.push(`MCH-06 state=${state}i,alarm=${state === 3 ? 12 : 0}i,power=${((state === 1 ? 4 : 1.2) + noise(t / 1000) * 0.3).toFixed(2)} ${t}`);
		if (state === 1 && t % 60_000 < 10_000) lines.push(`MCH-06 _cycle=${Math.floor(t / 60_000) % 1e6}i,force=${((ago > 5 * HOUR ? 2.1 : 1.86) + noise(t / 999) * 0.05).toFixed(3)},distance=${(14.2 + noise(t / 555) * 0.04).toFixed(3)},lot="BBM-A-1187" ${t}`);
	}
	/* A year of a meter, by the hour. */
	for (let t = now - 365 * DAY; t < now; t += HOUR) lines.push(`MLD-main kWh=${(120 + 60 * Math.sin((t / DAY) * 6.283) + noise(t / 1000) * 20).toFixed(1)} ${t}`);
	while (lines.length) await node.write(lines.splice(0, 4000));
	if (machinePort) await node.send("PUT", "/api/v1/devices/MLD-01", deviceConfig(machinePort));
	return { now };
}

/* An inspection log as people keep it: CP949, title row left out, units in the header, one impossible date. */
export function csvLog(rows, bad = true) {
	const out = ["일시,온도(℃),전력[kWh],상태"];
	for (let i = 0; i < rows; i++) {
		const d = new Date(Date.UTC(2026, 2, 1) + i * 15 * MIN);
		const day = d.toISOString().slice(0, 10);
		out.push(bad && i === 7 ? "2026-02-31 00:15,20.1,1.0,가동" : `${day} ${d.toISOString().slice(11, 16)},${(20 + 4 * Math.sin(i / 15) + noise(i)).toFixed(1)},${(3 + noise(i * 3)).toFixed(2)},${i % 9 ? "가동" : "대기"}`);
	}
	return Buffer.from(`\ufeff${out.join("\r\n")}\r\n`);
}

export const folder = (root, name) => join(root, name);
