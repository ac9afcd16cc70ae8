/* The page on a real node: `moru init`, `moru serve`, its doors and its page, as a factory uses them. Faults: a machine that falls silent, a node
 * that is killed and started again. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { accessible, drop, english, launch, open, PHONE, settle, shot, sound, WIDE } from "./lib/browser.mjs";
import { csvLog, Machine, Node, seed } from "./lib/node.mjs";

const FIRST_LOAD_BYTES = 120_000, CHARTED_MS = 60_000, STALE_MS = 10_000;
const moru = process.env.MORU;
assert.ok(moru, "MORU: the program to test, as meson test sets it");
const root = mkdtempSync(join(tmpdir(), "moru-ui-"));
let browser, node;
before(async () => {
	browser = await launch();
	node = await new Node(moru, join(root, "node")).init("ko").start();
});
after(async () => {
	await browser?.close();
	await machine.stop();
	await node?.kill("SIGTERM");
	rmSync(root, { recursive: true, force: true });
});
const machine = new Machine();
const OWN = ["예시사출", "사출기 1호기", "압입기 6호기", "냉각기", "수지 PA66-GF30", "버스바 홀더 A", "버스바 모듈 A", "모터 60 kW A형", "금형 M-117", "수지 대리점", "1호기 원료교체 대체품 1포 투입", "사출", "무게", "상태 값", "알람 번호", "배럴 1 온도", "배럴 2 온도", "금형 온도", "전력", "사이클 타임", "최대 사출압", "현장 일지", "일시", "온도(℃)", "온도", "전력[kWh]", "상태", "가동", "대기"];

test("the first load weighs at most 120 KB compressed and comes from the node alone", async () => {
	const context = await browser.newContext({ viewport: WIDE });
	const page = await context.newPage(), net = await context.newCDPSession(page), outside = [];
	await net.send("Network.enable");
	let bytes = 0;
	const files = new Map();
	net.on("Network.requestWillBeSent", (e) => {
		if (!e.request.url.startsWith(node.base) && !e.request.url.startsWith("data:")) outside.push(e.request.url);
		files.set(e.requestId, e.request.url);
	});
	net.on("Network.loadingFinished", (e) => !/\/api\//.test(files.get(e.requestId) ?? "") && (bytes += e.encodedDataLength));
	await page.goto(node.base);
	await page.waitForSelector("main h1");
	await page.waitForTimeout(1000);
	assert.ok(bytes > 20_000, `${bytes} bytes: something was measured`);
	assert.ok(bytes <= FIRST_LOAD_BYTES, `${bytes} bytes`);
	assert.deepEqual(outside, []);
	const csp = (await page.goto(`${node.base}/lots`)).headers()["content-security-policy"] ?? "";
	assert.match(csp, /default-src 'none'/);
	assert.match(csp, /connect-src 'self'/);
	await context.close();
});

test("an empty node offers a file or a device, in both languages and on the phone", async () => {
	for (const lang of ["ko", "en"]) {
		const p = await open(browser, node.base, null, { lang });
		try {
			for (const path of ["/", "/assets", "/lots", "/cases", "/imports", "/settings", "/?wall"])
				for (const size of [WIDE, PHONE]) {
					await p.page.setViewportSize(size);
					await p.go(path);
					await settle(p.page);
					const seen = await sound(p, `empty ${path}`);
					if (lang === "en") english(seen.text, OWN, `empty ${path}`);
				}
			await p.go("/");
			assert.ok(await p.page.$("main a.btn[href='/imports']"));
			assert.ok(await p.page.$("main a.btn[href='/settings/devices']"));
			await shot(p.page, `node-empty-${lang}`);
			p.clean();
		} finally {
			await p.close();
		}
	}
});

test("a file dropped on Today is charted within a minute without a word of configuration; refused rows come with their reason", async () => {
	const p = await open(browser, node.base, "/");
	const { page } = p;
	try {
		const begin = Date.now();
		await drop(page, "main", "현장 일지.csv", csvLog(3000).toString("utf8"));
		await page.waitForSelector(".lead .btn.go");
		assert.match(await page.textContent("h1"), /현장 일지/);
		await settle(page);
		await sound(p, "proposal");
		await accessible(page, "proposal");
		await shot(page, "node-import-plan", true);
		await page.click(".lead .btn.go");
		await page.waitForSelector(".chart canvas");
		await page.waitForFunction(() => [...document.querySelectorAll(".chart canvas")].every((c) => {
			const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
			let coloured = 0;
			for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200 && Math.max(d[i], d[i + 1], d[i + 2]) - Math.min(d[i], d[i + 1], d[i + 2]) > 60) coloured++;
			return coloured > 300;
		}), null, { timeout: CHARTED_MS });
		assert.ok(Date.now() - begin < CHARTED_MS, `${Date.now() - begin} ms`);
		assert.match(await page.textContent("h1"), /3,000행 가운데 2,999행을 저장했습니다/);
		await accessible(page, "result");
		await shot(page, "node-import-result", true);
		assert.match(await page.textContent("main table"), /2026-02-31/);
		const [file] = await Promise.all([page.waitForEvent("download"), page.click("a[download]")]);
		const refused = readFileSync(await file.path(), "utf8");
		assert.match(refused, /^\ufeff?일시,/);
		assert.match(refused, /2026-02-31 00:15.*\r?\n/);
		await page.click(".lead .btn.go");
		await page.waitForFunction(() => location.pathname.startsWith("/assets/") && location.search.includes("s="));
		await settle(page);
		await page.setViewportSize(PHONE);
		await page.waitForTimeout(200);
		await sound(p, "imported file on the phone");
		await shot(page, "node-imported-phone", true);
		/* The same file again changes nothing. */
		await page.setViewportSize(WIDE);
		await p.go("/imports");
		await page.setInputFiles("input[type=file]", { name: "현장 일지.csv", mimeType: "text/csv", buffer: csvLog(3000) });
		await page.waitForSelector(".lead .btn.go");
		await page.click(".lead .btn.go");
		await page.waitForSelector("dl.figures");
		assert.match(await page.textContent("dl.figures"), /저장0.*바뀜0.*이미 있음2,999/);
		assert.match(await page.textContent(".lead p"), /2,999행은 이미 있던 값과 같습니다/);
		/* Nor does the list say that anything was replaced. */
		await p.go("/imports");
		assert.deepEqual(await page.$$eval("table tbody tr:first-child td.num", (l) => l.slice(0, 5).map((c) => c.textContent)), ["3,000", "0", "0", "2,999", "1"]);
		const s = (await node.get(`/api/v1/signals?asset=${encodeURIComponent("현장 일지")}`)).items.find((x) => x.name === "온도");
		assert.equal((await node.get(`/api/v1/series/${s.id}`)).points, 2999);
		p.clean();
	} finally {
		await p.close();
	}
});

test("a midnight of the day before is told with its rows, before and after the file is stored", async () => {
	const p = await open(browser, node.base, "/imports");
	try {
		await p.page.setInputFiles("input[type=file]", { name: "half-hours.csv", mimeType: "text/csv", buffer: Buffer.from("시각,전력[kW]\n2026-03-02 23:00,1\n2026-03-02 23:30,2\n2026-03-02 00:00,3\n2026-03-03 00:30,4\n") });
		for (const more of [/적힌 그대로 저장하고/, /적힌 그대로 저장했습니다/]) {
			await p.page.waitForFunction((s) => new RegExp(s).test(document.querySelector(".ask")?.textContent ?? ""), more.source);
			assert.match(await p.page.textContent(".ask b"), /^4번째 줄: 2026-03-02 23:30 다음에 2026-03-02 00:00이 옵니다$/);
			await sound(p, "midnight");
			if (more.source.endsWith("저장하고")) await p.page.click(".lead .btn.go");
		}
		p.clean();
	} finally {
		await p.close();
	}
});

test("a file that cannot be read says why and stores nothing", async () => {
	const p = await open(browser, node.base, "/imports", { lang: "en" });
	try {
		await p.page.setInputFiles("input[type=file]", { name: "old.xls", mimeType: "application/octet-stream", buffer: Buffer.concat([Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]), Buffer.alloc(600)]) });
		await p.page.waitForFunction(() => /Nothing was stored/.test(document.querySelector(".lead p")?.textContent ?? ""));
		assert.match(await p.page.textContent(".lead p"), /XLS/);
		await sound(p, "refused");
		p.clean();
	} finally {
		await p.close();
	}
});

test("a device is written into the form, tried against the machine, saved, and its values come live", async () => {
	await machine.start();
	const p = await open(browser, node.base, "/settings/devices");
	const { page } = p;
	const field = (label) => page.locator(`label.field:has(span:text-is("${label}")) input`);
	try {
		await field("설비").fill("MLD-09");
		await field("IP 주소나 이름").fill("127.0.0.1");
		await field("포트").fill(String(machine.port));
		const row = page.locator(".grid-edit tbody tr").first();
		await row.getByLabel("이름", { exact: true }).fill("barrel_1");
		await row.getByLabel("표시 이름").fill("배럴 1 온도");
		await row.getByLabel("단위").fill("°C");
		await row.getByLabel("주소").fill("102");
		await row.getByLabel("배율").fill("0.1");
		await page.click(".lead .btn:text-is('시험')");
		await page.waitForSelector(".frames");
		assert.match(await page.textContent(".frames"), /03 00 66/, "the request's literal bytes: function 3, address 102");
		assert.match(await page.textContent("main"), /값 1개를 읽었습니다/);
		await accessible(page, "device test");
		await shot(page, "node-device-test", true);
		await page.click(".lead .btn.go");
		await page.waitForFunction(() => location.pathname === "/settings/devices/MLD-09");
		await page.waitForFunction(() => /값을 읽고 있습니다/.test(document.querySelector("h1")?.textContent));
		await p.go("/assets/MLD-09");
		const value = () => page.textContent(".sig .val b");
		const first = await value();
		await page.waitForFunction((v) => document.querySelector(".sig .val b")?.textContent !== v, first, { timeout: 8000 });
		/* Taken back: the device is gone, and an undo brings it back. */
		await p.go("/settings/devices/MLD-09");
		await page.click(".lead .btn:text-is('지우기')");
		await page.click(".toast button");
		await page.waitForFunction(async () => (await (await fetch("/api/v1/devices")).json()).items.some((d) => d.name === "MLD-09"));
		p.clean();
	} finally {
		await p.close();
	}
});

test("a wrong device is told apart: nobody listens, bad field", async () => {
	const p = await open(browser, node.base, "/settings/devices", { lang: "en", expected: /400|422/ });
	const { page } = p;
	const field = (label) => page.locator(`label.field:has(span:text-is("${label}")) input`);
	try {
		await field("Machine").fill("MLD-08");
		await field("Host").fill("127.0.0.1");
		await field("Port").fill("1");
		const row = page.locator(".grid-edit tbody tr").first();
		await row.getByLabel("Name", { exact: true }).fill("x");
		await page.click(".lead .btn:text-is('Test')");
		await page.waitForFunction(() => /No value could be read/.test(document.querySelector("main").textContent), null, { timeout: 10_000 });
		await field("Port").fill("99999");
		await page.click(".lead .btn.go");
		await page.waitForSelector(".problem");
		assert.equal(await field("Port").getAttribute("aria-invalid"), "true");
		p.clean();
	} finally {
		await p.close();
	}
});

test("a silent machine is stale on the page within seconds, and live again after", async () => {
	const p = await open(browser, node.base, "/assets/MLD-09");
	const { page } = p;
	try {
		await page.waitForSelector(".sig:not(.stale)");
		machine.silent = true;
		const begin = Date.now();
		await page.waitForSelector(".sig.stale", { timeout: STALE_MS });
		assert.match(await page.textContent(".sig.stale"), /이후 갱신 없음/);
		await page.waitForFunction(() => /값이 오지 않고 있습니다/.test(document.querySelector("h1")?.textContent), null, { timeout: STALE_MS });
		await shot(page, "node-stale");
		const took = Date.now() - begin;
		machine.silent = false;
		await page.waitForSelector(".sig:not(.stale)", { timeout: 20_000 });
		assert.ok(took < STALE_MS, `${took} ms`);
		p.clean();
	} finally {
		machine.silent = false;
		await p.close();
	}
});

test("Today, cases, machines, lots, search and settings with a factory's data, in both languages, wide and on the phone", async (t) => {
	await seed(node, machine.port);
	for (let i = 0; i < 60 && (await node.get("/api/v1/cases")).items.length < 3; i++) await new Promise((ok) => setTimeout(ok, 250));
	const cases = (await node.get("/api/v1/cases")).items, signals = (await node.get("/api/v1/signals?limit=1000")).items;
	const shift = cases.find((c) => c.kind === "level_shift"), stop = cases.find((c) => c.kind === "stop");
	assert.ok(shift && stop, `cases found: ${cases.map((c) => c.cause).join()}`);
	const meter = signals.find((s) => s.name === "kWh");
	const pages = [["today", "/"], ["assets", "/assets"], ["asset", "/assets/MCH-06"], ["asset-modbus", "/assets/MLD-01"], ["asset-year", `/assets/MLD-main?s=${meter.id}&span=all`], ["lots", "/lots"], ["lot", "/lots/SUP/PA-2291"], ["lot-container", "/lots/MLD/HLD-A-1117"], ["lot-motor", "/lots/MOT/MTR-60A-44812"], ["cases", "/cases"], ["case-shift", `/cases/${shift.id}`], ["case-stop", `/cases/${stop.id}`], ["imports", "/imports"], ["settings", "/settings"], ["device", "/settings/devices/MLD-01"], ["device-push", "/settings/devices/MCH-06"], ["wall", "/?wall"]];
	for (const [lang, theme] of [["ko", "light"], ["en", "dark"]]) {
		const p = await open(browser, node.base, null, { lang, theme });
		try {
			for (const [name, path] of pages)
				await t.test(`${name} ${lang}`, async () => {
					await p.page.setViewportSize(WIDE);
					await p.go(path);
					await settle(p.page);
					const seen = await sound(p, name);
					if (lang === "en") english(seen.text, OWN, name);
					await shot(p.page, `node-${name}-${lang}`, name !== "wall");
					await p.page.setViewportSize(PHONE);
					await p.page.waitForTimeout(100);
					await sound(p, `${name} on the phone`);
					await shot(p.page, `node-${name}-${lang}-phone`, name !== "wall");
				});
			p.clean();
		} finally {
			await p.close();
		}
	}
});

test("a case is acknowledged with a note, and undone", async () => {
	const c = (await node.get("/api/v1/cases")).items.find((x) => x.kind === "level_shift");
	const p = await open(browser, node.base, `/cases/${c.id}`);
	const { page } = p;
	try {
		await page.fill("textarea.words", "수지 교체 확인");
		await page.click(".sheet .btn.go");
		await page.waitForFunction(() => document.querySelector(".timeline").textContent.includes("수지 교체 확인"));
		assert.equal((await node.get(`/api/v1/cases/${c.id}`)).state, "seen");
		await page.click(".toast button");
		for (let i = 0; i < 40 && (await node.get(`/api/v1/cases/${c.id}`)).state !== "open"; i++) await new Promise((ok) => setTimeout(ok, 100));
		assert.equal((await node.get(`/api/v1/cases/${c.id}`)).state, "open");
		p.clean();
	} finally {
		await p.close();
	}
});

test("search finds a motor by the end of its number; its tree leads back to the resin", async () => {
	const p = await open(browser, node.base, "/");
	const { page } = p;
	try {
		await page.keyboard.press("Control+k");
		await page.waitForSelector("dialog.find[open] input:focus");
		await page.keyboard.type("44812");
		await page.waitForSelector("#found [data-to='/lots/MOT/MTR-60A-44812']");
		await page.keyboard.press("Enter");
		await page.waitForFunction(() => location.pathname === "/lots/MOT/MTR-60A-44812");
		await page.click(".tabs button:text-is('역방향')");
		await page.waitForFunction(() => location.search.includes("direction=up"));
		await page.waitForSelector(".tree .node:has-text('PA-2291')");
		assert.equal(await page.locator(".tree .node").count(), 4, "motor, module, container, resin");
		await page.locator(".tree .node:has-text('PA-2291')").click();
		await page.waitForFunction(() => location.pathname === "/lots/SUP/PA-2291");
		await page.waitForFunction(() => /대체품 1포 투입/.test(document.querySelector(".timeline")?.textContent ?? ""));
		await page.keyboard.press("Control+k");
		await page.waitForSelector("dialog.find[open] input:focus");
		await page.keyboard.type("압입");
		await page.waitForSelector("#found [data-to='/assets/MCH-06']");
		p.clean();
	} finally {
		await p.close();
	}
});

test("a chart goes from a year to minutes, and its CSV holds what is seen", async () => {
	const meter = (await node.get("/api/v1/signals?asset=MLD-main")).items[0];
	const p = await open(browser, node.base, `/assets/MLD-main?s=${meter.id}&span=y1`);
	const { page } = p;
	const range = () => page.evaluate(() => { const q = new URLSearchParams(location.search); return Date.parse(q.get("to")) - Date.parse(q.get("from")); });
	try {
		await settle(page);
		for (let i = 0; i < 3; i++) {
			const before = await page.url();
			const box = await (await page.waitForSelector(".u-over")).boundingBox();
			await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
			await page.mouse.down();
			await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 4 });
			await page.mouse.up();
			await page.waitForFunction((u) => location.href !== u, before);
			await settle(page);
		}
		const days = (await range()) / 86_400_000;
		assert.ok(days > 0.2 && days < 0.6, `${days} days after three zooms of a tenth`);
		const [file] = await Promise.all([page.waitForEvent("download"), page.click(".chart-foot button")]);
		const text = readFileSync(await file.path(), "utf8"), lines = text.trim().split("\r\n");
		assert.ok(text.startsWith("\ufeff시각(Asia/Seoul),"), lines[0]);
		assert.ok(Math.abs(lines.length - 1 - days * 24) <= 2, `${lines.length - 1} rows in ${days} days of hourly values`);
		for (let i = 0; i < 3; i++) await page.dblclick(".u-over");
		await page.waitForFunction(() => !new URLSearchParams(location.search).has("from"));
		p.clean();
	} finally {
		await p.close();
	}
});

test("a killed node is told, and the page goes on by itself once it is back, with everything as it was", async () => {
	const p = await open(browser, node.base, "/assets/MLD-01", { expected: /ERR_|Failed to load/ });
	const { page } = p;
	try {
		await page.waitForSelector(".sig .val b");
		await settle(page);
		const lots = (await node.get("/api/v1/lots?limit=1000")).items.length;
		await node.kill("SIGKILL");
		await page.waitForSelector(".bar-lost", { timeout: 9000 });
		assert.match(await page.textContent(".bar-lost"), /\d\d:\d\d:\d\d부터/);
		await shot(page, "node-killed");
		await node.start();
		await page.waitForSelector(".bar-lost", { state: "detached", timeout: 15_000 });
		const value = () => page.textContent(".sig .val b");
		const first = await value();
		await page.waitForFunction((v) => document.querySelector(".sig .val b")?.textContent !== v, first, { timeout: 10_000 });
		assert.equal((await node.get("/api/v1/lots?limit=1000")).items.length, lots);
		await page.click("nav.rail a[href='/lots']");
		await page.waitForSelector("main table");
		assert.deepEqual(p.outside, []);
	} finally {
		await p.close();
	}
});

test("a crash is told on Today until a person has seen it, and stands in the node's log", async () => {
	await node.kill("SIGSEGV");
	await node.start();
	const p = await open(browser, node.base, "/");
	const { page } = p;
	try {
		await page.waitForSelector(".crash");
		assert.match(await page.textContent(".crash b"), /문제가 생겨 멈췄다가 다시 시작했습니다/);
		await page.click(".crash summary");
		assert.match(await page.textContent(".crash pre"), /^[\w.?]\S*\+0x[0-9a-f]+\n/);
		await sound(p, "crash");
		await accessible(page, "crash");
		await page.click(".crash a[href='/settings/log']");
		await page.waitForSelector("table.log tbody tr");
		assert.match(await page.textContent("table.log"), /SIGSEGV/);
		await page.goBack();
		await page.click(".crash button");
		await page.waitForSelector(".crash", { state: "detached" });
		await page.reload();
		await settle(page);
		assert.equal(await page.locator(".crash").count(), 0);
		p.clean();
	} finally {
		await p.close();
	}
});

test("from the first account on the page asks for a login; a change passes with the session, and the way out ends it", async () => {
	const own = await new Node(moru, join(root, "accounts")).init("en").start();
	const made = spawnSync(moru, ["passwd", join(root, "accounts"), "kim"], { input: "correct-horse-9\n", encoding: "utf8" });
	assert.equal(made.status, 0, made.stderr);
	const p = await open(browser, own.base, "/settings/accounts", { lang: "en", expected: /401/ });
	const { page } = p;
	try {
		await page.fill("input[name=username]", "kim");
		await page.fill("input[name=password]", "correct-horse-9");
		await page.keyboard.press("Enter");
		await page.waitForSelector("nav.rail");
		await settle(page);
		assert.equal(await page.textContent("main h1"), "1 account can log in");
		await page.fill("section:has(h2:text-is('Accounts')) form input[type=text]", "lee");
		await page.fill("section:has(h2:text-is('Accounts')) form input[type=password]", "correct-horse-9");
		await page.click("text=Make an account");
		await page.locator("tr", { hasText: "lee" }).first().waitFor();
		/* The live stream of the session, too. */
		await page.waitForFunction(() => document.querySelector(".clock time")?.textContent);
		assert.deepEqual((await page.context().cookies()).map((c) => [c.name, c.httpOnly, c.sameSite, c.path]), [["moru_session", true, "Strict", "/"]]);
		assert.equal(await page.evaluate(() => document.cookie), "");
		await page.reload();
		await page.waitForSelector(".who");
		await page.click(".who button");
		await page.waitForSelector("input[name=password]");
		await page.reload();
		await page.waitForSelector("input[name=password]");
		p.clean();
	} finally {
		await p.close();
		await own.kill("SIGTERM");
	}
});
