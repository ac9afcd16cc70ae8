/* Pure parts of the page: particles, numbers, durations, zones, ticks, gaps, layers. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test, { before } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url)), root = join(here, "../../../src/ui");
const { build } = await import(pathToFileURL(join(dirname(createRequire(join(root, "package.json")).resolve("vite/package.json")), "dist/node/index.js")));
let m;
before(async () => {
	globalThis.document = { documentElement: { lang: "ko", dataset: {} } };
	globalThis.localStorage = { getItem: () => null, setItem: () => undefined };
	globalThis.location = { pathname: "/", search: "" };
	globalThis.performance ??= { now: () => 0 };
	const out = await build({
		root,
		configFile: false,
		logLevel: "error",
		esbuild: { jsx: "automatic", jsxImportSource: "preact" },
		build: { write: false, minify: false, target: "es2022", lib: { entry: join(here, "entry.ts"), formats: ["es"] } },
	});
	const list = Array.isArray(out) ? out : [out];
	const text = list.flatMap((o) => o.output).find((o) => o.type === "chunk").code;
	m = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
});

test("what machines and people send is text on the page, never markup", () => {
	const sources = readdirSync(join(root, "src"), { recursive: true }).filter((f) => /\.tsx?$/.test(f));
	assert.ok(sources.length > 30);
	for (const f of sources)
		assert.doesNotMatch(readFileSync(join(root, "src", f), "utf8"), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc/i, f);
});

test("particles follow the final sound", () => {
	const say = (s, v) => m.fill(s, { v });
	assert.equal(say("{v|이/가}", "사출기 2호기"), "사출기 2호기가");
	assert.equal(say("{v|이/가}", "제습 라인"), "제습 라인이");
	assert.equal(say("{v|을/를}", "MLD-01"), "MLD-01을");
	assert.equal(say("{v|을/를}", "MLD-02"), "MLD-02를");
	assert.equal(say("{v|으로/로}", "폐기물"), "폐기물로");
	assert.equal(say("{v|으로/로}", "확인"), "확인으로");
	assert.equal(say("{v|은/는}", "선반(연삭)"), "선반(연삭)은");
	assert.equal(m.fill("{n#lot/lots} and {m#lot/lots}", { n: 1, m: 2 }), "1 lot and 2 lots");
});

test("numbers keep what a sensor can know", () => {
	assert.equal(m.reading(95.0234, "float"), "95.02");
	assert.equal(m.reading(2, "float"), "2.000");
	assert.equal(m.reading(312000, "integer"), "312,000");
	assert.equal(m.reading(true, "boolean"), "예");
	assert.equal(m.reading(null, "float"), "–");
	assert.equal(m.number(-78.25), "-78.25");
	assert.equal(m.number(12345.6), "12,346");
	assert.deepEqual(m.levels(95.02, 87.46), { before: "95.02", after: "87.46" });
	assert.deepEqual(m.levels(1.18, 1.184), { before: "1.1800", after: "1.1840" });
});

test("times are the node's, not the browser's", () => {
	m.setZone("Asia/Seoul");
	const t = Date.parse("2026-11-21T23:10:05Z");
	assert.equal(m.clockText(t), "08:10");
	assert.equal(m.timeText(t), "11월 22일 (일) 08:10");
	assert.equal(m.isoLocal(t), "2026-11-22 08:10:05.000");
	m.setZone("America/New_York");
	assert.equal(m.clockText(Date.parse("2026-11-01T05:30:00Z")), "01:30");
	assert.equal(m.clockText(Date.parse("2026-11-01T06:30:00Z")), "01:30");
	m.setZone("Asia/Seoul");
	assert.equal(m.duration(14 * 60_000), "14분");
	assert.equal(m.duration(125 * 60_000), "2시간 5분");
	assert.equal(m.duration(59_400), "59초");
	assert.equal(m.duration(75 * 3_600_000), "3일 3시간");
});

test("time ticks stand on whole local times at every zoom", () => {
	const H = 3_600_000, from = Date.parse("2026-11-21T23:00:00Z");
	for (const span of [2000, 60_000, 8 * H, 26 * H, 12 * 24 * H, 200 * 24 * H, 3 * 365 * 24 * H, 40 * 365 * 24 * H]) {
		const k = m.timeTicks(from, from + span, 800, false);
		assert.ok(k.at.length >= 2 && k.at.length <= 10, `${span}: ${k.at.length}`);
		assert.equal(k.at.length, k.text.length);
		assert.ok(k.at.every((x, i) => x >= from && x <= from + span && (i === 0 || x > k.at[i - 1])));
	}
	assert.equal(m.timeTicks(from, from + 8 * H, 800, false).text[0], "08:00");
});

test("a gap breaks the line, an even row does not", () => {
	const c = (t) => ({ width: 100, t_ms: t, mean: t.map(() => 1), min: t.map(() => 1), max: t.map(() => 1), n: t.map(() => 1), bad: t.map(() => 0), raw: true });
	const even = m.points(c([0, 10, 20, 30]), { from: 0, to: 100 }, false);
	assert.equal(even.mean.filter((x) => x === null).length, 0);
	const gap = m.points(c([0, 10, 20, 30, 500, 510, 520]), { from: 0, to: 600 }, false);
	assert.deepEqual(gap.mean, [1, 1, 1, 1, null, 1, 1, 1]);
	assert.equal(gap.envelope, false);
});

test("the vertical axis begins at zero only where the values reach towards it", () => {
	assert.equal(m.yRange(3, 30)[0], 0);
	assert.ok(m.yRange(275, 285)[0] > 200);
	assert.deepEqual(m.yRange(Infinity, -Infinity), [0, 1]);
	assert.ok(m.yRange(5, 5)[0] < 5 && m.yRange(5, 5)[1] > 5);
});

const lot = (id, depth, item, more = {}) => ({ id, firm: "A", number: `L${id}`, item, item_name: item, state: "ok", place: null, made: null, quantity: 1, unit: "ea", depth, ...more });
test("lots that are alike are folded, a small tree is not", () => {
	const nodes = [lot(1, 0, "resin"), ...Array.from({ length: 40 }, (_, i) => lot(i + 2, 1, "holder")), lot(90, 1, "holder", { state: "scrapped" })];
	const links = nodes.slice(1).map((n) => ({ parent: 1, child: n.id, quantity: 1 }));
	const folded = m.draw({ nodes, links, cut: false }, new Set(), 800);
	assert.deepEqual(folded.boxes.map((b) => b.lots.length).sort((a, b) => a - b), [1, 1, 40]);
	assert.equal(folded.wires.find((w) => w.to.lots.length === 40).n, 40);
	const key = folded.boxes.find((b) => b.folded).key;
	assert.equal(m.draw({ nodes, links, cut: false }, new Set([key]), 800).boxes.length, 42);
	const column = { nodes: nodes.slice(0, 14), links: links.slice(0, 13), cut: false };
	assert.equal(m.draw(column, new Set(), 800).boxes.length, 2, "thirteen alike below each other are folded too");
	const small = { nodes: nodes.slice(0, 8), links: links.slice(0, 7), cut: false };
	assert.equal(m.draw(small, new Set(), 800).boxes.length, 8);
});

test("links lead from left to right, also where one lot is reached by two ways; a circle ends", () => {
	const nodes = [lot(1, 0, "a"), lot(2, 1, "b"), lot(3, 1, "c"), lot(4, -1, "d")];
	const d = m.draw({ nodes, links: [{ parent: 1, child: 2 }, { parent: 1, child: 3 }, { parent: 2, child: 3 }, { parent: 4, child: 1 }], cut: false }, new Set(), 800);
	for (const w of d.wires) assert.ok(w.from.x < w.to.x);
	m.draw({ nodes, links: [{ parent: 1, child: 2 }, { parent: 2, child: 3 }, { parent: 3, child: 2 }], cut: false }, new Set(), 800);
	assert.equal(m.pathOf(d, d.boxOf.get(1)).boxes.size, 4);
});

test("the sentence of Today names the longest stop, then silence, then what changed", () => {
	const now = Date.parse("2026-11-22T00:10:00Z"), ago = (min) => new Date(now - min * 60_000).toISOString();
	const machine = (name, state, min, more = {}) => ({ asset: name, name, state, since: ago(min), alarm: 0, running_share: 1, stale: false, states: [], ...more });
	const say = (machines, cases = []) => m.sentence({ machines, cases, counts: {}, from: ago(60), to: ago(0) }, null, now).title;
	assert.equal(say([machine("선반 1호기", "running", 60), machine("선반 2호기", "stopped", 14)]), "선반 2호기가 14분째 멈춰 있습니다 — 비가동 사유 미입력");
	assert.equal(say([machine("A", "stopped", 1), machine("B", "running", 9)]), "설비 2대가 모두 정상입니다");
	assert.match(say([machine("A", "no_data", 30, { stale: true })]), /^A에서 30분째 데이터가/);
	assert.match(say([machine("A", "running", 9)], [{ id: 1, asset: "A", asset_name: "A", kind: "level_shift", begin: ago(20), end: null, evidence: { signal: "force" } }]), /force 값이 08:50부터 달라졌습니다/);
	const h = { from: ago(1000), to: ago(0), now: ago(500) };
	assert.match(m.sentence({ machines: [], cases: [], counts: {}, from: ago(60), to: ago(0) }, h, now - 500 * 60_000).title, /50%/);
});

test("what tells no state is neither running nor missing", () => {
	const now = Date.parse("2026-11-22T00:10:00Z"), iso = (min) => new Date(now - min * 60_000).toISOString();
	const meter = { asset: "M", name: "계량기", state: "no_data", since: null, alarm: 0, running_share: null, stale: false, states: [] };
	const lathe = { ...meter, asset: "A", name: "선반", state: "running", since: iso(9), states: [{ from: iso(9), to: iso(0), state: "running", alarm: 0 }] };
	assert.equal(m.tellsState(meter), false);
	assert.equal(m.tellsState({ ...meter, stale: true }), true);
	assert.equal(m.tellsState(lathe), true);
	assert.equal(m.sentence({ machines: [lathe, meter], cases: [], counts: {}, from: iso(60), to: iso(0) }, null, now).title, "설비가 정상입니다");
});

test("a case that is over is told as over, after one that goes on", () => {
	const now = Date.parse("2026-11-22T00:10:00Z"), iso = (min) => new Date(now - min * 60_000).toISOString();
	const c = (id, asset, end) => ({ id, asset, asset_name: asset, kind: "level_shift", begin: iso(50), end, evidence: { series: "s", signal: "force" } });
	const names = new Map([["s", { id: "s", label: "압입력" }]]);
	const machine = { asset: "A", name: "A", state: "running", since: iso(60), alarm: 0, running_share: 1, stale: false, states: [] };
	const say = (cases) => m.sentence({ machines: [machine], cases, counts: {}, from: iso(60), to: iso(0) }, null, now, names).title;
	assert.equal(say([c(2, "프레스", iso(20))]), "프레스 압입력 값이 08:20부터 08:50까지 달랐습니다");
	assert.equal(say([c(2, "프레스", iso(20)), c(1, "선반", null)]), "선반 압입력 값이 08:20부터 달라졌습니다");
});

test("rows of a file without times are counted, others are timed", () => {
	const rows = { first: "1970-01-01T00:00:00.000000001Z", last_t: "1970-01-01T00:00:00.000010Z" };
	assert.equal(m.isRows(rows), true);
	assert.deepEqual(m.extentOf(rows), { first: 1, last: 10_000 });
	const timed = { first: "2026-01-01T00:00:00Z", last_t: "2026-02-01T00:00:00Z" };
	assert.equal(m.isRows(timed), false);
	assert.equal(m.extentOf(timed).last - m.extentOf(timed).first, 31 * 86_400_000);
	assert.equal(m.extentOf({ first: null, last_t: null }), null);
});

test("sentences end with a full stop, once", () => {
	assert.equal(m.sentences(["하나", "", "둘입니다.", null, "셋?"]), "하나. 둘입니다. 셋?");
});

test("a lot is said to be in what it ended up in, not in every step between", () => {
	const nodes = [lot(1, 0, "resin"), lot(2, 1, "holder", { quantity: 40 }), lot(3, 1, "holder", { quantity: 40 }), lot(4, 2, "motor"), lot(5, 2, "motor"), lot(6, -1, "coil")];
	const links = [[1, 2], [1, 3], [2, 4], [2, 5], [6, 1]].map(([parent, child]) => ({ parent, child, quantity: 1 }));
	const e = m.ends({ nodes, links, cut: false });
	assert.deepEqual(e.map((x) => [x.item, x.lots.length, x.pieces]), [["motor", 2, true], ["holder", 1, false]]);
});
