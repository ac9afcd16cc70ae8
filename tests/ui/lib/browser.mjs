/* The browser of the tests: Debian's Chromium, headless, never downloaded; one page at a time with everything noted that should not happen. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const shots = process.env.UI_SHOTS ?? join(tmpdir(), "moru-ui-shots");
mkdirSync(shots, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/* What a missing word or a missing value looks like on the screen. */
const WORDLESS = /undefined|\bNaN\b|\[object |\{\w+[|#}]|Invalid Date|\bnull\b/;
const HANGUL = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]/;
export const WIDE = { width: 1440, height: 900 }, PHONE = { width: 390, height: 844 };
const PATIENCE_MS = 15_000;

export async function launch() {
	const executablePath = process.env.CHROMIUM ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
	assert.ok(executablePath, "no /usr/bin/chromium: tools/setup.sh test installs it");
	return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
}

/* A page in its own context. look: lang, size, theme, motion. expected: errors of the console that the case is about. */
export async function open(browser, base, path, look = {}) {
	const { lang = "ko", size = WIDE, theme = "light", motion = "no-preference", expected = null, grants = [] } = look;
	const context = await browser.newContext({ viewport: size, colorScheme: theme, reducedMotion: motion, acceptDownloads: true, permissions: grants });
	const page = await context.newPage();
	page.setDefaultTimeout(PATIENCE_MS);
	const errors = [], outside = [];
	page.on("console", (m) => m.type() === "error" && !(expected && expected.test(m.text())) && errors.push(m.text()));
	page.on("pageerror", (e) => errors.push(String(e)));
	context.on("request", (r) => !r.url().startsWith(base) && !/^(data|blob):/.test(r.url()) && outside.push(r.url()));
	await page.addInitScript((l) => {
		if (l && !sessionStorage.getItem("moru.test")) {
			localStorage.setItem("moru.lang", l);
			sessionStorage.setItem("moru.test", "1");
		}
	}, lang);
	const p = {
		page, errors, outside, base, lang,
		go: async (to) => {
			await page.goto(base + to, { waitUntil: "domcontentloaded" });
			await heading(page);
		},
		/* Nothing went wrong that the person was not told of. */
		clean: () => {
			assert.deepEqual(errors, [], "errors of the console");
			assert.deepEqual(outside, [], "requests to outside addresses");
		},
		close: () => context.close(),
	};
	if (path !== null) await p.go(path);
	return p;
}
export const heading = (page) => page.waitForSelector("main h1, main h2, .wall header b");

/* The page stands when its waiting line is gone and no chart is under way. */
export async function settle(page) {
	await page.waitForFunction(() => !document.querySelector(".wait-line")?.textContent);
	await page.waitForFunction(() => [...document.querySelectorAll(".chart .plot")].every((c) => c.querySelector("canvas")));
	await page.waitForTimeout(150);
}

/* What holds for every page: a first sentence, no word missing, nothing cut sideways, every control with a name. names: allowed to hold Korean
 * when the page is English (what people of the factory wrote). */
export async function sound(p, what) {
	const { page } = p;
	/* A chart follows a new width in its own time. */
	await page.waitForFunction(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth, null, { timeout: 3000 }).catch(() => undefined);
	const seen = await page.evaluate(() => {
		const own = (e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join("").trim();
		const cut = [...document.querySelectorAll("h1, h2, .btn, .lead p, .tile b, .tabs button, .rail a")].filter((e) => e.checkVisibility() && own(e) && (e.scrollWidth > e.clientWidth + 1) && getComputedStyle(e).display !== "inline");
		return {
			over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
			text: document.body.innerText,
			first: document.querySelector("h1, main h2, .wall header b")?.textContent?.trim() ?? "",
			lang: document.documentElement.lang,
			cut: cut.map((e) => e.textContent.slice(0, 60)),
		};
	});
	assert.ok(seen.first.length > 1, `${what}: a first sentence`);
	assert.equal(seen.lang, p.lang, `${what}: language of the page`);
	assert.ok(seen.over <= 0, `${what}: scrolls sideways by ${seen.over} px`);
	assert.deepEqual(seen.cut, [], `${what}: texts are cut`);
	const at = seen.text.search(WORDLESS);
	assert.ok(at < 0, `${what}: a word is missing: ${seen.text.slice(Math.max(0, at - 40), at + 60)}`);
	return seen;
}
/* Korean on an English page may come only from the factory's own names. */
export function english(text, names, what) {
	let s = text;
	for (const n of [...names].sort((a, b) => b.length - a.length)) s = s.split(n).join(" ");
	/* The drawing of a family tree cuts long names. */
	s = s.replace(/[^·\n]*…/g, " ").replace(/^한$/gm, "");
	const m = HANGUL.exec(s);
	assert.ok(!m, `${what}: not translated: ${m && s.slice(Math.max(0, m.index - 30), m.index + 40)}`);
}

/* axe-core: names, roles, contrast, order of headings. */
export async function accessible(page, what) {
	await page.evaluate(axe);
	const r = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] } }));
	const bad = r.violations.map((v) => `${v.id}: ${v.help} — ${v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.any[0]?.message ?? ""}`).join(" | ")}`);
	assert.deepEqual(bad, [], what);
}

export const shot = (page, name, fullPage = false) => page.screenshot({ path: join(shots, `${name}.png`), fullPage });

/* A file dropped on an element, as from the desktop. */
export async function drop(page, selector, name, text) {
	const data = await page.evaluateHandle(([n, s]) => {
		const d = new DataTransfer();
		d.items.add(new File([s], n, { type: "text/csv" }));
		return d;
	}, [name, text]);
	await page.dispatchEvent(selector, "dragenter", { dataTransfer: data });
	await page.dispatchEvent(selector, "dragover", { dataTransfer: data });
	await page.waitForSelector(".drop-all");
	await page.dispatchEvent(selector, "drop", { dataTransfer: data });
}
