/* Opens every page of a running node in a real browser: node tests/ui/run.mjs BASE_URL [--data] [--lost] [--shots DIR]
 * In both languages, at 1366 and 390 px, light and dark: no console error, no sideways scroll, no word missing, keyboard, language, search.
 * --data: the node holds machines, signals, lots and cases (the demo): their pages are opened, a chart is zoomed.
 * --mock: it is mock.mjs: the connection is cut and comes back, an import and a device test are gone through. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const args = process.argv.slice(2), base = args.find((a) => /^http/.test(a))?.replace(/\/$/, "");
if (!base) {
	console.error("run.mjs BASE_URL [--data] [--mock] [--shots DIR]");
	process.exit(2);
}
const mock = args.includes("--mock"), data = mock || args.includes("--data");
const shots = args.includes("--shots") ? args[args.indexOf("--shots") + 1] : join(dirname(fileURLToPath(import.meta.url)), "shots/out");
mkdirSync(shots, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "moru-ui-"));
const WORDLESS = /undefined|\bNaN\b|\[object |\{\w+[|#}]|Invalid Date/;
const results = [];
let failed = 0;

const browser = await chromium.launchPersistentContext(profile, {
	executablePath: process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync),
	args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
	viewport: null,
});
const context = browser.browser()?.newContext ? browser.browser() : null;

/* One page of its own look; errors of the console and of scripts are gathered. */
async function open(path, { lang = "ko", width = 1366, height = 768, theme = "light", expect404 = false } = {}) {
	const c = context ? await context.newContext({ viewport: { width, height }, colorScheme: theme }) : browser;
	const page = await c.newPage();
	if (!context) await page.setViewportSize({ width, height });
	if (!context) await page.emulateMedia({ colorScheme: theme });
	const errors = [];
	page.on("console", (m) => m.type() === "error" && !(expect404 && /404/.test(m.text())) && errors.push(m.text()));
	page.on("pageerror", (e) => errors.push(String(e)));
	page.on("request", (r) => !r.url().startsWith(base) && !/^(data|blob):/.test(r.url()) && errors.push(`outside address ${r.url()}`));
	await page.addInitScript((l) => {
		if (!sessionStorage.getItem("moru.test")) {
			localStorage.setItem("moru.lang", l);
			sessionStorage.setItem("moru.test", "1");
		}
	}, lang);
	await page.goto(base + path, { waitUntil: "domcontentloaded" });
	await page.waitForSelector("main h1, main h2, main .drop", { timeout: 8000 });
	return { page, errors, close: () => (context ? c.close() : page.close()) };
}
/* The page stands when nothing is asked for and no "loading" is left. */
async function settle(page) {
	await page.waitForFunction(() => !document.querySelector(".wait-line")?.textContent, null, { timeout: 8000 });
	await page.waitForTimeout(350);
}
async function check(name, f) {
	const t = Date.now();
	try {
		const more = await f();
		results.push(`ok   ${name}${more ? ` (${more})` : ""} ${Date.now() - t} ms`);
	} catch (e) {
		failed++;
		results.push(`FAIL ${name}: ${e.message.split("\n").slice(0, 6).join(" ")}`);
	}
	console.log(results[results.length - 1]);
}
async function sound(page, errors, lang) {
	const seen = await page.evaluate(() => ({ over: document.documentElement.scrollWidth - document.documentElement.clientWidth, text: document.body.innerText, h1: document.querySelector("h1, .wall b")?.textContent ?? "", lang: document.documentElement.lang, small: [...document.querySelectorAll("button, a, input, select")].filter((e) => !e.textContent.trim() && !e.getAttribute("aria-label") && !e.title && !e.labels?.length && e.type !== "file" && e.checkVisibility?.()).map((e) => e.outerHTML.slice(0, 90)) }));
	assert.deepEqual(errors, [], "console errors");
	assert.ok(seen.over <= 0, `scrolls sideways by ${seen.over} px`);
	assert.ok(!WORDLESS.test(seen.text), `a word is missing: ${WORDLESS.exec(seen.text)?.[0]} in ${seen.text.slice(Math.max(0, seen.text.search(WORDLESS) - 40), seen.text.search(WORDLESS) + 60)}`);
	assert.equal(seen.lang, lang, "language of the page");
	assert.deepEqual(seen.small, [], "controls without a name");
	return seen;
}

const get = async (path) => (await fetch(base + path)).json();
const pages = [["today", "/"], ["wall", "/?wall"], ["assets", "/assets"], ["lots", "/lots"], ["cases", "/cases"], ["imports", "/imports"], ["settings", "/settings"], ["device-new", "/settings/devices"]];
let chartPath = null;
if (data) {
	const signals = (await get("/api/v1/signals?limit=1000")).items;
	const s = signals.find((x) => x.kind === "sequence" && x.type === "float" && x.last?.t) ?? signals.find((x) => x.type === "float" && x.last?.t);
	assert.ok(s, "--data: there is a signal with values");
	const enc = encodeURIComponent;
	chartPath = `/assets/${enc(s.asset)}?s=${s.id}`;
	pages.push(["asset", chartPath]);
	const two = signals.filter((x) => x.asset === s.asset && x.type === "float" && x.last?.t).slice(0, 3);
	pages.push(["asset-three", `/assets/${enc(s.asset)}?s=${two.map((x) => x.id).join()}`], ["asset-years", `/assets/${enc(s.asset)}?s=${s.id}&span=all`]);
	const lots = (await get("/api/v1/lots?limit=1000")).items;
	if (lots.length) {
		const l = lots[lots.length - 1];
		pages.push(["lot", `/lots/${enc(l.firm)}/${enc(l.number)}`]);
	}
	if (mock) pages.push(["lot-resin", "/lots/SUP/PA-2291"], ["rows", "/assets/prices.2021/"], ["import-done", "/imports/0192-done"]);
	const cases = (await get("/api/v1/cases?limit=100")).items;
	for (const kind of new Set(cases.map((c) => c.kind))) pages.push([`case-${kind}`, `/cases/${cases.find((c) => c.kind === kind).id}`]);
	const d = (await get("/api/v1/devices")).items[0];
	if (d) pages.push(["device", `/settings/devices/${enc(d.name)}`]);
}

for (const [name, path] of pages)
	for (const lang of ["ko", "en"])
		for (const [width, height, theme] of [[1366, 768, "light"], [390, 844, "light"], [1366, 768, "dark"], [390, 844, "dark"]]) {
			if (theme === "dark" && lang === (width === 390 ? "en" : "ko") && !args.includes("--all")) continue;
			await check(`${name} ${lang} ${width} ${theme}`, async () => {
				const { page, errors, close } = await open(path, { lang, width, height, theme });
				try {
					await settle(page);
					await page.screenshot({ path: join(shots, `${name}-${lang}-${width}-${theme}.png`), fullPage: name !== "wall" });
					const s = await sound(page, errors, lang);
					assert.ok(s.h1.trim().length > 1, "a first sentence");
				} finally {
					await close();
				}
			});
		}

await check("first paint of data", async () => {
	const { page, close } = await open("/");
	try {
		await page.waitForFunction(() => performance.getEntriesByName("moru-data").length > 0);
		await page.reload({ waitUntil: "load" });
		await page.waitForFunction(() => performance.getEntriesByName("moru-data").length > 0);
		const r = await page.evaluate(() => ({ data: performance.getEntriesByName("moru-data")[0].startTime, bytes: performance.getEntriesByType("resource").filter((e) => !e.name.includes("/api/")).reduce((a, e) => a + e.encodedBodySize, 0) }));
		return `${Math.round(r.data)} ms, page files ${Math.round(r.bytes / 102.4) / 10} KB`;
	} finally {
		await close();
	}
});

await check("language and theme switch, and stay", async () => {
	const { page, errors, close } = await open("/settings");
	try {
		const ko = await page.textContent("nav.rail");
		await page.click(".pick.lang button:last-child");
		assert.notEqual(await page.textContent("nav.rail"), ko);
		assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
		await page.click(".pick.theme button:last-child");
		const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		await page.reload();
		await page.waitForSelector("main h1, main h2");
		assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
		assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark);
		await page.evaluate(() => localStorage.removeItem("moru.theme"));
		assert.deepEqual(errors, []);
	} finally {
		await close();
	}
});

await check("search by keyboard", async () => {
	const { page, errors, close } = await open("/");
	try {
		await page.keyboard.press("Control+k");
		await page.waitForSelector("dialog.find[open]");
		const asset = data ? (await get("/api/v1/assets?kind=machine&limit=10")).items[0] : null;
		await page.keyboard.type(asset ? asset.code : "설정");
		await page.waitForFunction((c) => [...document.querySelectorAll("#found a")].some((a) => !c || decodeURIComponent(a.getAttribute("href")).includes(c)), asset?.code ?? null);
		if (asset) await page.screenshot({ path: join(shots, "search.png") });
		const at = await page.evaluate((c) => [...document.querySelectorAll("#found a")].findIndex((a) => !c || decodeURIComponent(a.getAttribute("href")) === `/assets/${c}`), asset?.code ?? null);
		for (let i = 0; i < at; i++) await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		await page.waitForFunction((p) => decodeURIComponent(location.pathname) === p, asset ? `/assets/${asset.code}` : "/settings");
		assert.deepEqual(errors, []);
	} finally {
		await close();
	}
});

await check("keyboard reaches the menu, focus is visible", async () => {
	const { page, close } = await open("/");
	try {
		const seen = new Set();
		for (let i = 0; i < 20; i++) {
			await page.keyboard.press("Tab");
			const f = await page.evaluate(() => ({ to: document.activeElement?.getAttribute("href") ?? "", outline: getComputedStyle(document.activeElement).outlineStyle }));
			if (f.to) seen.add(f.to);
			assert.notEqual(f.outline, "none", `no focus ring on ${f.to}`);
		}
		for (const to of ["/assets", "/lots", "/cases", "/imports", "/settings"]) assert.ok(seen.has(to), `Tab does not reach ${to}`);
	} finally {
		await close();
	}
});

await check("contrast of texts is at least 4.5:1", async () => {
	for (const theme of ["light", "dark"])
		for (const path of ["/", "/settings", chartPath ?? "/assets", "/imports"]) {
			const { page, close } = await open(path, { theme });
			try {
				await settle(page);
				const bad = await page.evaluate(() => {
					const c = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
					const rgb = (s) => {
						c.clearRect(0, 0, 1, 1);
						c.fillStyle = s;
						c.fillRect(0, 0, 1, 1);
						return [...c.getImageData(0, 0, 1, 1).data];
					};
					const lum = ([r, g, b]) => [r, g, b].map((v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0);
					const ground = (e) => {
						for (; e; e = e.parentElement) {
							const b = rgb(getComputedStyle(e).backgroundColor);
							if (b[3] === 255) return b;
						}
						return [255, 255, 255];
					};
					const out = [];
					for (const e of document.querySelectorAll("body *")) {
						if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility() || e.closest("svg, :disabled, .sr")) continue;
						const a = lum(rgb(getComputedStyle(e).color)), b = lum(ground(e)), r = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
						if (r < 4.5) out.push(`${r.toFixed(2)} ${e.className || e.tagName} ${e.textContent.trim().slice(0, 24)}`);
					}
					return out;
				});
				assert.deepEqual(bad, [], `${path} ${theme}`);
			} finally {
				await close();
			}
		}
});

if (chartPath) {
	await check("a chart zooms by drag, goes back by double click, moves by keys, and its address holds the range", async () => {
		const { page, errors, close } = await open(chartPath);
		try {
			await settle(page);
			const box = await (await page.waitForSelector(".u-over")).boundingBox();
			await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
			const readout = await page.textContent(".chart .at");
			await page.mouse.down();
			await page.mouse.move(box.x + box.width * 0.5, box.y + 70, { steps: 6 });
			await page.mouse.up();
			await page.waitForFunction(() => new URLSearchParams(location.search).has("from"));
			const zoomed = page.url();
			await settle(page);
			await page.screenshot({ path: join(shots, "chart-zoomed.png") });
			await page.focus(".chart .plot");
			await page.keyboard.press("ArrowLeft");
			await page.waitForFunction((u) => location.href !== u, zoomed);
			await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
			await page.mouse.wheel(0, 0);
			await page.dblclick(".u-over");
			await page.waitForFunction(() => !new URLSearchParams(location.search).has("from"));
			await page.goto(zoomed);
			await settle(page);
			assert.ok(new URL(page.url()).searchParams.get("to"));
			assert.ok(await page.$(".u-over"));
			assert.deepEqual(errors, []);
			return readout.trim().slice(0, 40);
		} finally {
			await close();
		}
	});
	await check("live values come without a reload", async () => {
		const { page, errors, close } = await open(chartPath);
		try {
			await settle(page);
			assert.ok((await page.$$(".sig .val b")).length > 0);
			assert.deepEqual(errors, []);
		} finally {
			await close();
		}
	});
}

await check("an address that is none says what to do", async () => {
	const { page, close } = await open("/no/such/page");
	try {
		assert.ok(await page.$("main a[href='/']"));
	} finally {
		await close();
	}
});

if (mock) {
	await check("a lost connection greys the values, says since when, and comes back by itself", async () => {
		const { page, close } = await open("/");
		try {
			await settle(page);
			await fetch(`${base}/mock/down?on=1`);
			await page.waitForSelector(".bar-lost", { timeout: 9000 });
			assert.ok(await page.$(".lost-now"));
			await page.screenshot({ path: join(shots, "lost.png") });
			await fetch(`${base}/mock/down?on=0`);
			await page.waitForSelector(".bar-lost", { state: "detached", timeout: 12_000 });
		} finally {
			await fetch(`${base}/mock/down?on=0`);
			await close();
		}
	});
	await check("a file is dropped, corrected and stored", async () => {
		const { page, errors, close } = await open("/imports");
		try {
			await page.setInputFiles("input[type=file]", { name: "일지 3월.csv", mimeType: "text/csv", buffer: Buffer.from("\ufeff일시,온도(℃)\r\n01/02/2018 00:15,20.1\r\n".repeat(4000)) });
			await page.waitForSelector(".ask");
			await settle(page);
			await page.screenshot({ path: join(shots, "import-plan.png"), fullPage: true });
			await page.click(".ask button:last-child");
			assert.equal(await page.$(".ask"), null);
			await page.click(".lead .btn.go");
			await page.waitForSelector("[role=progressbar]");
			await page.waitForSelector("dl.facts", { timeout: 8000 });
			await page.screenshot({ path: join(shots, "import-result.png"), fullPage: true });
			assert.deepEqual(errors, []);
		} finally {
			await close();
		}
	});
	await check("a case is acknowledged and taken back", async () => {
		const { page, errors, close } = await open("/cases/7");
		try {
			await page.click(".sheet .btn.go");
			await page.waitForSelector(".toast button");
			await page.screenshot({ path: join(shots, "case-undo.png") });
			await page.click(".toast button");
			await page.waitForFunction(() => document.querySelectorAll(".timeline > li").length >= 3);
			assert.deepEqual(errors, []);
		} finally {
			await close();
		}
	});
	await check("a device is tried, a bad field is named, a change is saved and undone", async () => {
		const { page, close } = await open("/settings/devices/MLD-01", { expect404: true });
		try {
			await page.click(".lead .btn:nth-last-child(2)");
			await page.waitForSelector(".frames");
			await page.screenshot({ path: join(shots, "device-test.png"), fullPage: true });
			const port = page.locator("input[type=number]").first();
			await port.fill("70000");
			await page.click(".lead .btn.go");
			await page.waitForSelector(".problem");
			assert.equal(await port.getAttribute("aria-invalid"), "true");
			await port.fill("5021");
			await page.click(".lead .btn.go");
			await page.waitForSelector(".toast button");
			await page.click(".toast button");
			await page.waitForFunction(() => document.querySelector("input[type=number]").value === "5020");
		} finally {
			await close();
		}
	});
}

await browser.close();
rmSync(profile, { recursive: true, force: true });
console.log(`${results.length - failed} of ${results.length} passed`);
process.exit(failed ? 1 : 0);
