/* Every page in a real browser against the stand-in node, which can be slow, broken, gone, empty or loading whenever a test wants it. */
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { accessible, drop, english, heading, launch, open, PHONE, settle, shot, sound, WIDE } from "./lib/browser.mjs";
import { mock } from "./lib/mock.mjs";

let browser, node;
before(async () => {
	[browser, node] = await Promise.all([launch(), mock()]);
});
after(async () => {
	await browser?.close();
	node?.close();
});
const get = async (path, of = node) => (await fetch(of.base + path)).json();

/* Names that people of the made-up factory gave; everything else on an English page must be English. */
async function names() {
	const [assets, signals, lots] = await Promise.all([get("/api/v1/assets"), get("/api/v1/signals"), get("/api/v1/lots?limit=1000")]);
	return [...new Set([...assets.items.map((a) => a.name), ...signals.items.flatMap((s) => [s.label]), ...lots.items.map((l) => l.item_name), "예시사출", "김온달", "박혁거세", "1호기 원료교체 대체품 1포 투입", "잔여 보류", "수지 대리점", "일시", "온도(℃)", "온도", "전력[kWh]", "전력", "상태", "계량기", "비고", "가동", "대기", "정전", "원료교체", "버스바"].filter(Boolean))];
}

async function pages() {
	const s = (await get("/api/v1/signals")).items, id = (asset, name) => s.find((x) => x.asset === asset && x.name === name).id;
	return [
		["today", "/"], ["wall", "/?wall"], ["assets", "/assets"], ["items", "/assets?kind=items"],
		["asset", "/assets/MLD-01"], ["asset-three", `/assets/MLD-01?s=${["peak_pressure", "barrel_1", "door"].map((n) => id("MLD-01", n)).join()}`],
		["asset-years", `/assets/MLD-01?s=${id("MLD-01", "power")}&span=all`], ["asset-stale", "/assets/MLD-07"], ["asset-bad", `/assets/MLD-05?s=${id("MLD-05", "flow")}`], ["rows", "/assets/prices.2021/"],
		["lots", "/lots"], ["lot", "/lots/MLD/HLD-A-1117"], ["lot-resin", "/lots/SUP/PA-2291"],
		["cases", "/cases"], ["case-shift", "/cases/7"], ["case-stop", "/cases/5"], ["case-late", "/cases/3"], ["case-missing", "/cases/4"],
		["imports", "/imports"], ["import-done", "/imports/0192-done"],
		["settings", "/settings"], ["accounts", "/settings/accounts"], ["people", "/settings/people"], ["sinks", "/settings/sinks"], ["trust", "/settings/trust"], ["device", "/settings/devices/MLD-01"], ["device-new", "/settings/devices"], ["log", "/settings/log"], ["phone", "/settings/phone"], ["no-page", "/no/such"],
	];
}

/* Korean in light, English in dark, each on the desk and on the phone. */
for (const [lang, theme] of [["ko", "light"], ["en", "dark"]])
	test(`every page in ${lang}, ${theme}: words, width, names, contrast`, async (t) => {
		const p = await open(browser, node.base, null, { lang, theme, expected: /404/ });
		const own = lang === "en" ? await names() : [];
		try {
			for (const [name, path] of await pages())
				await t.test(name, async () => {
					await p.page.setViewportSize(WIDE);
					await p.go(path);
					await settle(p.page);
					const seen = await sound(p, name);
					if (lang === "en") english(seen.text, own, name);
					await shot(p.page, `${name}-${lang}`, name !== "wall");
					if (name !== "wall") await accessible(p.page, name);
					await p.page.setViewportSize(PHONE);
					await p.page.waitForTimeout(100);
					await sound(p, `${name} on the phone`);
					await shot(p.page, `${name}-${lang}-phone`, name !== "wall");
				});
			p.clean();
		} finally {
			await p.close();
		}
	});

test("a node with accounts asks who it is, in both languages; after the login one is where one was, with name, role and a way out", async () => {
	await node.login("quality");
	try {
		for (const [lang, title, wrong, role, out] of [["ko", "로그인", "이름이나 비밀번호가 맞지 않습니다", "품질담당", "로그아웃"], ["en", "Log in", "The name or the password is wrong", "Quality", "Log out"]]) {
			const p = await open(browser, node.base, "/lots/SUP/PA-2291", { lang, expected: /401/ });
			const { page } = p;
			try {
				assert.equal(await page.textContent("h1"), title);
				assert.equal(await page.locator("nav.rail").count(), 0);
				const seen = await sound(p, "login");
				if (lang === "en") english(seen.text, [], "login");
				await accessible(page, "login");
				await shot(page, `login-${lang}`);
				await page.setViewportSize(PHONE);
				await sound(p, "login on the phone");
				await shot(page, `login-${lang}-phone`);
				await page.fill("input[name=username]", "kim");
				await page.fill("input[name=password]", "not-the-password");
				await page.keyboard.press("Enter");
				await page.waitForSelector("[role=alert]");
				assert.equal(await page.textContent("[role=alert]"), wrong);
				await page.fill("input[name=password]", "correct-horse-9");
				await page.keyboard.press("Enter");
				await page.waitForSelector("nav.rail");
				await page.waitForSelector(".app:not(.lost-now)", { timeout: 1000 }); /* live at once, not when a back-off ends */
				await settle(page);
				assert.equal(await page.evaluate(() => location.pathname), "/lots/SUP/PA-2291");
				assert.match(await page.textContent("main"), /PA-2291/);
				await sound(p, "logged in on the phone");
				await page.setViewportSize(WIDE);
				assert.equal(await page.textContent(".who"), `kim${role}${out}`);
				await accessible(page, "logged in");
				/* A change carries the session's own text. */
				await p.go("/cases/7");
				const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/api/v1/cases/7/state"));
				await page.locator("main .acts button.go").first().click();
				assert.match((await sent).headers()["x-moru-csrf"], /^csrf-s\d+$/);
				assert.equal((await (await sent).response()).status(), 200);
				await page.click(".who button");
				await page.waitForSelector("input[name=password]");
				assert.equal(await page.evaluate(() => location.pathname), "/cases/7");
				p.clean();
			} finally {
				await p.close();
			}
			await node.login("quality");
		}
	} finally {
		await node.login(null);
	}
});

test("an owner sees in words how receivers are, sends a refused message again, sees what will leave, and a refusal with its reason", async () => {
	const p = await open(browser, node.base, "/settings/sinks", { lang: "en", expected: /400/ });
	const { page } = p;
	const row = (name) => page.locator("tr", { hasText: name }).first();
	const sees = (where, text) => where.locator(`text=${text}`).first().waitFor();
	try {
		await settle(page);
		await sees(page, "head office gets nothing at present");
		await sees(row("ERP"), "Everything sent");
		await sees(row("head office"), "Not taken, again in 1 min");
		await sees(row("head office"), "The receiver answered with status 503");
		await sees(row("archive"), "Switched off");
		await row("ERP").locator("text=Send a test").click();
		await sees(page, "ERP took it (38 ms)");
		await row("head office").locator("text=2 messages refused").click();
		await page.locator("[aria-label='Send again MLD/HLD-A-1117']").click();
		await sees(page, "is sent again");
		await page.locator("[aria-label='Drop MLD/HLD-A-1118']").click();
		await page.locator("text=MLD/HLD-A-1118").waitFor({ state: "detached" });
		await row("archive").locator("text=Switch on").click();
		await sees(row("archive"), "Everything sent");
		await page.fill("form input[type=text]", "lab");
		await page.fill("form input[type=url]", "http://10.0.0.1/in");
		await sees(page, "Once saved, what changes from now on in lots, lots' parents, events leaves to 10.0.0.1.");
		await page.click("text=Save and start sending");
		await sees(page, "http://10.0.0.1 is not encrypted");
		await page.fill("form input[type=url]", "https://lab.example.com/in");
		await page.click("text=Save and start sending");
		await row("lab").waitFor();
		p.clean();
	} finally {
		await p.close();
	}
});

test("an owner makes an account and a token, which is shown once; what is refused comes with its reason", async () => {
	const p = await open(browser, node.base, "/settings/accounts", { lang: "en", expected: /409/ });
	const { page } = p;
	const row = (name) => page.locator("tr", { hasText: name }).first();
	try {
		await settle(page);
		await page.fill("section:has(h2:text-is('Accounts')) form input[type=text]", "park");
		await page.fill("section:has(h2:text-is('Accounts')) form input[type=password]", "correct-horse-9");
		await page.click("text=Make an account");
		await row("park").waitFor();
		await row("park").locator("select").selectOption("quality");
		await row("park").locator("text=Disable").click();
		await row("park").locator("text=Enable").waitFor();
		await row("park").locator("text=Change password").click();
		await page.fill("tr form input[type=password]", "correct-horse-10");
		await page.locator("tr form button").click();
		await page.waitForSelector(".toast");
		await row("kim").locator("text=Remove").click();
		assert.match(await page.textContent("[role=alert]"), /last owner/);
		await row("park").locator("text=Remove").click();
		await row("park").waitFor({ state: "detached" });
		await page.fill("section:has(h2:text-is('Tokens of programs')) form input[type=text]", "gateway");
		await page.check("text=the node's measurements");
		await page.click("text=Make a token");
		assert.match(await page.textContent(".once code"), /^moru_A{43}$/);
		assert.match(await row("gateway").textContent(), /write values, the node's measurements/);
		await accessible(page, "accounts");
		await row("gateway").locator("text=Revoke").click();
		await row("gateway").locator("text=revoked").waitFor();
		p.clean();
	} finally {
		await p.close();
	}
});

test("a name is erased for ever with a reason that does not say it; the evidence tells which backup still waits; without the right there are no names", async () => {
	const p = await open(browser, node.base, "/settings/people", { lang: "en", expected: /400/ });
	const { page } = p;
	const row = (code) => page.locator("tr", { hasText: code }).first();
	try {
		await settle(page);
		assert.match(await row("P-7K3F").textContent(), /김온달/);
		const files = (code) => row(code).getByRole("button", { name: "Files" }).click(), link = page.locator("a", { hasText: "자격증.pdf" });
		assert.match(await files("P-7K3F").then(() => link.getAttribute("href")), /^\/api\/v1\/people\/P-7K3F\/files\/[0-9a-f-]{36}$/);
		await page.setInputFiles("tr input[type=file]", { name: "작업 모습.png", mimeType: "image/png", buffer: Buffer.from("a picture") });
		await page.locator("a", { hasText: "작업 모습.png" }).waitFor();
		await page.getByRole("button", { name: "Remove 자격증.pdf" }).click().then(() => link.waitFor({ state: "detached" }));
		await accessible(page, "people, files");
		await files("P-C04M");
		await page.getByText(/Erased with the name/).waitFor().then(() => shot(page, "people-files", true));
		for (const code of ["P-C04M", "P-7K3F"]) await files(code);
		await row("P-7K3F").locator("text=Erase the name").click();
		await page.fill("tr form input", "김온달 left");
		await page.click("text=Erase the name of P-7K3F for ever");
		await page.waitForSelector("tr [role=alert]");
		assert.match(await page.textContent("tr [role=alert]"), /Do not write/);
		await accessible(page, "people, erasing");
		await page.fill("tr form input", "left the firm");
		await page.click("text=Erase the name of P-7K3F for ever");
		await page.waitForSelector(".toast");
		await row("P-7K3F").locator("text=Evidence").waitFor();
		assert.doesNotMatch(await page.textContent("main"), /김온달/);
		await row("P-7K3F").locator("text=Evidence").click();
		await page.getByText("/mnt/nas").waitFor();
		assert.match(await page.textContent("dl.facts"), /kim.*Event e-17.*MLD-01.*\/mnt\/usb.*done.*\/mnt\/nas.*not reached/s);
		await page.fill("section > div form input", "새사람");
		await page.click("text=Make a pseudonym");
		await row("P-Z1Z1").waitFor();
		p.clean();
	} finally {
		await p.close();
	}
	await node.login("quality");
	const q = await open(browser, node.base, "/settings/people", { lang: "ko", expected: /401/ });
	try {
		await q.page.fill("input[name=username]", "lee");
		await q.page.fill("input[name=password]", "correct-horse-9");
		await q.page.keyboard.press("Enter");
		await q.page.waitForSelector("text=P-9QX2");
		await q.page.getByRole("button", { name: "파일 P-7K3F" }).click().then(() => q.page.getByText("kim").first().waitFor());
		assert.equal(await q.page.locator("tr input[type=file], tr a").count(), 0);
		assert.doesNotMatch(await q.page.textContent("main"), /사진\.jpg|박혁거세|이름 삭제|가명 만들기/);
	} finally {
		await q.close();
		await node.login(null);
	}
});

test("a vendor finds the machines and no way to lots and cases", async () => {
	await node.login("vendor");
	const p = await open(browser, node.base, "/", { expected: /40[13]/ });
	const { page } = p;
	try {
		await page.fill("input[name=username]", "builder");
		await page.fill("input[name=password]", "correct-horse-9");
		await page.keyboard.press("Enter");
		await page.waitForSelector("nav.rail");
		await settle(page);
		assert.deepEqual(await page.locator("nav.rail a").evaluateAll((l) => l.map((a) => a.getAttribute("href"))), ["/assets", "/settings"]);
		await sound(p, "vendor");
	} finally {
		await p.close();
		await node.login(null);
	}
});

test("the page is light, and its first numbers come soon", async () => {
	const p = await open(browser, node.base, "/");
	try {
		await p.page.waitForFunction(() => performance.getEntriesByName("moru-data").length > 0);
		assert.match(await p.page.textContent("h1"), /2호기/);
	} finally {
		await p.close();
	}
});

test("language and theme are switched and stay", async () => {
	const p = await open(browser, node.base, "/settings", { lang: null });
	const { page } = p;
	try {
		const ko = await page.textContent("nav.rail");
		await page.click(".pick.lang button:last-child");
		assert.notEqual(await page.textContent("nav.rail"), ko);
		await page.click(".pick.theme button:last-child");
		const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		await page.reload();
		await heading(page);
		assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
		assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark);
		assert.equal(await page.getAttribute(".pick.lang button:last-child", "aria-pressed"), "true");
		p.clean();
	} finally {
		await p.close();
	}
});

test("by keyboard: skip link, menu, search, a focus that is seen", async () => {
	const p = await open(browser, node.base, "/");
	const { page } = p;
	try {
		await page.keyboard.press("Tab");
		assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
		await page.keyboard.press("Enter");
		assert.equal(await page.evaluate(() => document.activeElement.id), "main");
		await p.go("/");
		const seen = new Set();
		for (let i = 0; i < 22; i++) {
			await page.keyboard.press("Tab");
			const f = await page.evaluate(() => ({ to: document.activeElement?.getAttribute("href") ?? "", outline: getComputedStyle(document.activeElement).outlineStyle }));
			seen.add(f.to);
			assert.notEqual(f.outline, "none", `no focus ring on ${f.to}`);
		}
		for (const to of ["/assets", "/lots", "/cases", "/imports", "/settings"]) assert.ok(seen.has(to), `Tab does not reach ${to}`);
		await page.keyboard.press("Control+k");
		await page.waitForSelector("dialog.find[open] input:focus");
		await page.keyboard.type("BBM-A-1187-3");
		await page.waitForSelector("#found [data-to='/lots/MCH/BBM-A-1187-3']");
		await accessible(page, "search");
		await shot(page, "search");
		while (!(await page.evaluate(() => document.querySelector("#found [aria-selected=true]").dataset.to.endsWith("/BBM-A-1187-3")))) await page.keyboard.press("ArrowDown");
		await page.keyboard.press("Enter");
		await page.waitForFunction(() => location.pathname === "/lots/MCH/BBM-A-1187-3");
		await page.keyboard.press("/");
		await page.waitForSelector("dialog.find[open]");
		await page.keyboard.press("Escape");
		await page.waitForSelector("dialog.find", { state: "detached" });
		p.clean();
	} finally {
		await p.close();
	}
});

test("a chart is zoomed by drag, taken back, moved by keys and wheel, and its address holds the range", async () => {
	const s = (await get("/api/v1/signals")).items.find((x) => x.asset === "MLD-01" && x.name === "peak_pressure");
	const p = await open(browser, node.base, `/assets/MLD-01?s=${s.id}&span=w1`, { grants: ["clipboard-read", "clipboard-write"] });
	const { page } = p;
	const span = () => page.evaluate(() => ["from", "to"].map((k) => Date.parse(new URLSearchParams(location.search).get(k))));
	try {
		await settle(page);
		const box = await (await page.waitForSelector(".u-over")).boundingBox();
		await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
		await page.waitForFunction(() => /·.*MPa/.test(document.querySelector(".chart .at").textContent));
		await page.mouse.down();
		await page.mouse.move(box.x + box.width * 0.5, box.y + 70, { steps: 6 });
		await page.mouse.up();
		await page.waitForFunction(() => new URLSearchParams(location.search).has("from"));
		const zoomed = page.url(), [a, b] = await span();
		assert.ok(Math.abs((b - a) / (7 * 86_400_000) - 0.2) < 0.03, `a fifth of the week: ${(b - a) / 86_400_000} days`);
		await page.focus(".chart .plot");
		await page.keyboard.press("ArrowRight");
		await page.waitForFunction((u) => location.href !== u, zoomed);
		const [c] = await span();
		assert.ok(Math.abs((c - a) / (b - a) - 0.2) < 0.02, "moved by a fifth");
		const axis = await page.locator(".chart .plot").boundingBox();
		await page.mouse.move(axis.x + axis.width / 2, axis.y + axis.height - 6);
		await page.mouse.wheel(0, -100);
		await page.waitForFunction((w) => Date.parse(new URLSearchParams(location.search).get("to")) - Date.parse(new URLSearchParams(location.search).get("from")) < w * 0.8, b - a);
		await page.dblclick(".u-over");
		await page.waitForFunction(() => !new URLSearchParams(location.search).has("from"));
		await p.go(zoomed.slice(node.base.length));
		await settle(page);
		assert.deepEqual(await span(), [a, b]);
		await page.click(".lead .acts .btn");
		assert.equal(await page.evaluate(() => navigator.clipboard.readText()), zoomed);
		p.clean();
	} finally {
		await p.close();
	}
});

test("a link of a signal leads to its machine and chart", async () => {
	const s = (await get("/api/v1/signals")).items.find((x) => x.name === "cushion");
	const p = await open(browser, node.base, `/series/${s.id}`);
	try {
		await p.page.waitForFunction((id) => location.pathname === "/assets/MLD-01" && location.search.includes(id), s.id);
		await settle(p.page);
		p.clean();
	} finally {
		await p.close();
	}
});

test("a tree of hundreds of lots is folded, searched, unfolded, and leads on", async () => {
	const p = await open(browser, node.base, "/lots/SUP/PA-2291");
	const { page } = p;
	try {
		await page.waitForSelector(".tree .node");
		const folded = await page.locator(".tree .node").count();
		assert.ok(folded < 20, `${folded} boxes`);
		await page.fill("input[type=search]", "BBM-A-1188");
		await page.waitForSelector(".tree .node.found");
		await page.click(".toolbar .btn");
		await page.waitForFunction((n) => document.querySelectorAll(".tree .node").length > n, folded + 50);
		await page.focus(".tree .node:has-text('HLD-A-1117')");
		assert.ok((await page.locator(".tree .link-path.on").count()) > 0, "the path of what is focused is marked");
		await page.keyboard.press("Enter");
		await page.waitForFunction(() => location.pathname.startsWith("/lots/MLD/HLD-A-1117"));
		p.clean();
	} finally {
		await p.close();
	}
});

test("a case is acknowledged and taken back", async () => {
	const p = await open(browser, node.base, "/cases/7");
	const { page } = p;
	try {
		await page.fill("textarea.words", "원료 확인");
		await page.click(".sheet .btn.go");
		await page.waitForSelector(".toast button");
		await page.waitForFunction(() => document.querySelector(".timeline").textContent.includes("원료 확인"));
		await page.click(".toast button");
		await page.waitForFunction(() => document.querySelectorAll(".timeline > li").length >= 3);
		p.clean();
	} finally {
		await p.close();
	}
});

test("a file dropped on Today is proposed, asked about, stored and charted", async () => {
	const p = await open(browser, node.base, "/");
	const { page } = p;
	try {
		await drop(page, "main", "일지 3월.csv", "\ufeff일시,온도(℃)\r\n01/02/2018 00:15,20.1\r\n");
		await page.waitForSelector(".ask");
		await settle(page);
		await accessible(page, "proposal");
		await shot(page, "import-plan", true);
		await page.click(".ask button:last-child");
		assert.equal(await page.$(".ask"), null);
		assert.match(await page.inputValue("select >> nth=0"), /^M\/D/);
		await page.click(".lead .btn.go");
		await page.waitForSelector("[role=progressbar]");
		await page.waitForSelector("dl.figures");
		await accessible(page, "result");
		await shot(page, "import-result", true);
		p.clean();
	} finally {
		await p.close();
	}
});

test("a workbook is refused with its reason; the plan is not lost when the node refuses it", async () => {
	const p = await open(browser, node.base, "/imports", { expected: /500/ });
	const { page } = p;
	try {
		await page.setInputFiles("input[type=file]", { name: "대장.xlsx", mimeType: "application/octet-stream", buffer: Buffer.from("PK") });
		await page.waitForFunction(() => /엑셀/.test(document.querySelector(".lead p")?.textContent ?? ""));
		await page.goto(`${node.base}/imports`);
		await page.setInputFiles("input[type=file]", { name: "a.csv", mimeType: "text/csv", buffer: Buffer.from("일시,온도\n") });
		await page.waitForSelector(".lead .btn.go");
		await node.fault("error", "/api/v1/imports/");
		await page.click(".lead .btn.go");
		await page.waitForFunction(() => /디스크에 쓸 수 없습니다/.test(document.querySelector(".problem")?.textContent ?? ""));
		await node.fault("");
		await page.click(".lead .btn.go");
		await page.waitForSelector("dl.figures");
		p.clean();
	} finally {
		await node.fault("");
		await p.close();
	}
});

test("a device is tried, a bad field is named, a change is saved and undone", async () => {
	const p = await open(browser, node.base, "/settings/devices/MLD-01", { expected: /400/ });
	const { page } = p;
	try {
		await page.click(".lead .btn:nth-last-child(2)");
		await page.waitForSelector(".frames");
		await accessible(page, "device test");
		await shot(page, "device-test", true);
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
		p.clean();
	} finally {
		await p.close();
	}
});

test("what a machine sends is given a label and a unit in the form; what was there stays", async () => {
	const p = await open(browser, node.base, "/settings/devices/MLD-07");
	const { page } = p;
	const config = async () => (await get("/api/v1/devices")).items.find((d) => d.name === "MLD-07").config;
	try {
		await page.waitForSelector(".grid-edit");
		const was = (await config()).signals;
		assert.deepEqual(was, [{ name: "gap", label: "간극 전압", unit: "V" }]);
		await accessible(page, "push device");
		await shot(page, "device-push", true);
		await page.click(".grid-edit + .btn");
		const cells = page.locator(".grid-edit tbody tr").nth(1).locator("input");
		for (const [i, text] of ["wire", "와이어 장력", "N"].entries()) await cells.nth(i).fill(text);
		await page.click(".lead .btn.go");
		await page.waitForSelector(".toast button");
		assert.deepEqual((await config()).signals, [...was, { name: "wire", label: "와이어 장력", unit: "N" }]);
		/* The last one removed takes the list with it. */
		for (const n of [2, 1]) {
			await page.locator(".grid-edit tbody tr .btn").first().click();
			await page.waitForFunction((left) => document.querySelectorAll(".grid-edit tbody tr").length === left, n - 1);
		}
		await page.click(".lead .btn.go");
		await page.waitForFunction(async () => !(await (await fetch("/api/v1/devices")).json()).items.find((d) => d.name === "MLD-07").config.signals);
		p.clean();
	} finally {
		await p.close();
	}
});

/* What the node answers wrongly, on which page (from: reached by the menu), and in which words it is told. */
const WRONG = [
	{ what: "an error of the node is told in Korean, with what to do", kind: "error", page: "/lots", lang: "ko", expected: /500/, words: /디스크에 쓸 수 없습니다/ },
	{ what: "an error of the node is told in English, with what to do", kind: "error", page: "/lots", lang: "en", expected: /500/, words: /The disk cannot be written/ },
	{ what: "an answer that is no problem document is an error in words and not an empty page", kind: "bare", page: "/assets", from: "/settings", expected: /502/ },
	{ what: "an answer that is no JSON is an error in words and not an empty page", kind: "garbage", page: "/assets", from: "/settings", expected: /502/ },
];
for (const w of WRONG)
	test(`${w.what}, and gone after another try`, async () => {
		const p = await open(browser, node.base, w.from ?? null, { lang: w.lang, expected: w.expected });
		const { page } = p;
		try {
			await node.fault(w.kind, `/api/v1${w.page}`);
			if (w.from) await page.click(`nav.rail a[href='${w.page}']`);
			else await page.goto(node.base + w.page);
			await page.waitForSelector(".problem");
			if (w.words) {
				assert.match(await page.textContent(".problem"), w.words);
				await page.click(".problem summary");
				assert.match(await page.textContent(".problem pre"), /store_io/);
				await shot(page, `error-${w.lang}`);
				await accessible(page, "error");
			}
			await node.fault("");
			await page.click(".problem .btn");
			await page.waitForSelector("main table");
			p.clean();
		} finally {
			await node.fault("");
			await p.close();
		}
	});

test("a phone is connected from Settings: another address is another code, the fingerprint stands beside it; without TLS it says what to do", async () => {
	const p = await open(browser, node.base, "/settings", { lang: "en" });
	const { page } = p;
	const tell = (answer) => page.route("**/api/v1/phone", (r) => r.fulfill({ json: answer }));
	try {
		await page.click("main a[href='/settings/phone']");
		await page.waitForSelector("svg.qr");
		const told = await get("/api/v1/phone");
		const shows = async (place) => {
			assert.equal(await page.getAttribute("svg.qr", "aria-label"), `QR code of ${place.url}`);
			assert.equal(await page.getAttribute("svg.qr path", "d"), place.path);
			assert.ok((await page.textContent("main")).includes(place.url));
		};
		await shows(told.places[0]);
		await page.click(`main .tabs button:has-text('${told.places[2].host}')`);
		await shows(told.places[2]);
		assert.equal(await page.textContent("main .print"), told.ca.sha256);
		assert.equal(await page.getAttribute("main a[download]", "href"), "/ca.crt");
		/* Where no phone could connect, there is no code, but what is to be set. */
		for (const [change, heading, word] of [[{ tls: false }, "cannot connect yet", "tls.mode"], [{ others: false }, "cannot connect yet", "listen.address"], [{ ca: null }, "given certificate", "authority"], [{}, "no address", "listen.names"]]) {
			await page.unroute("**/api/v1/phone");
			await tell({ ...told, places: [], ...change });
			await p.go("/settings");
			await p.go("/settings/phone");
			await page.waitForFunction((h) => document.querySelector("main h1")?.textContent.includes(h), heading);
			assert.equal(await page.locator("svg.qr").count(), 0);
			assert.ok((await page.textContent("main")).includes(word), word);
			assert.equal(await page.locator("main .print").count(), change.ca === null ? 0 : 1);
		}
		p.clean();
	} finally {
		await p.close();
	}
});

test("the node's log comes by itself, by level, and older lines on demand", async () => {
	const p = await open(browser, node.base, "/settings", { lang: "en" });
	const { page } = p;
	const rows = () => page.locator("table.log tbody tr").count();
	try {
		await page.click("main a[href='/settings/log']");
		await page.waitForSelector("table.log tbody tr");
		const top = await page.textContent("table.log tbody tr td.wide"), first = await rows();
		assert.ok(first === 100, `${first} rows`);
		const newest = await page.evaluate(() => fetch("/api/v1/log?limit=1").then((r) => r.json()).then((j) => j.items[0].number));
		await page.waitForFunction((n) => fetch("/api/v1/log?limit=1").then((r) => r.json()).then((j) => j.items[0].number > n + 1), newest, { polling: 500 });
		for (let n = first; (await page.locator("main button:has-text('Older lines')").count()) > 0; n = await rows()) {
			await page.click("main button:has-text('Older lines')");
			await page.waitForFunction((k) => document.querySelectorAll("table.log tbody tr").length > k + 10, n);
		}
		assert.ok(await page.locator("table.log tbody tr:has-text('The node has started')").count());
		assert.ok((await rows()) > 125);
		assert.ok(top.length > 10);
		await page.click("main .tabs button:has-text('Errors only')");
		await page.waitForFunction(() => document.querySelectorAll("table.log tbody tr").length < 20 && document.querySelectorAll("table.log tbody tr").length > 0);
		assert.match(page.url(), /level=error/);
		assert.match(await page.textContent("main h1"), /errors? (was|were) said/);
		p.clean();
	} finally {
		await p.close();
	}
});

test("a crash is told on Today until a person has seen it", async () => {
	const crashed = await mock("crash");
	for (const lang of ["ko", "en"]) {
		const p = await open(browser, crashed.base, "/", { lang });
		try {
			await p.page.waitForSelector(".crash");
			await sound(p, `crash ${lang}`);
			await accessible(p.page, "crash");
			await shot(p.page, `crash-${lang}`);
			if (lang === "en") {
				await p.page.click(".crash button");
				await p.page.waitForSelector(".crash", { state: "detached" });
				await p.go("/settings");
				await p.go("/");
				await settle(p.page);
				assert.equal(await p.page.locator(".crash").count(), 0);
			}
			p.clean();
		} finally {
			await p.close();
		}
	}
	crashed.close();
});

test("a slow node is waited for, and says so", async () => {
	const p = await open(browser, node.base, "/settings");
	try {
		await node.fault("slow", "/api/v1/lots");
		await p.page.click("nav.rail a[href='/lots']");
		await p.page.waitForFunction(() => /불러오는 중/.test(document.querySelector(".wait-line")?.textContent ?? ""));
		await p.page.waitForSelector("main table");
		p.clean();
	} finally {
		await node.fault("");
		await p.close();
	}
});

test("a node that goes away greys the values and says since when; the page comes back by itself", async () => {
	const p = await open(browser, node.base, "/", { expected: /ERR_|Failed to load/ });
	const { page } = p;
	try {
		await settle(page);
		await node.down(true);
		await page.waitForSelector(".bar-lost", { timeout: 9000 });
		assert.match(await page.textContent(".bar-lost"), /\d\d:\d\d:\d\d부터/);
		assert.ok(Number(await page.evaluate(() => getComputedStyle(document.querySelector(".big.live")).opacity)) < 0.9, "values are greyed");
		await shot(page, "lost");
		await page.click("nav.rail a[href='/lots']");
		await page.waitForSelector(".problem");
		await node.down(false);
		await page.waitForSelector(".bar-lost", { state: "detached" });
		await page.waitForSelector("main table");
		assert.equal(await page.$(".problem"), null);
	} finally {
		await node.down(false);
		await p.close();
	}
});

test("the wall survives a lost network and says so", async () => {
	const p = await open(browser, node.base, "/?wall", { expected: /ERR_|Failed to load/ });
	try {
		await p.page.waitForSelector(".wall .machine");
		await node.down(true);
		await p.page.waitForSelector(".wall.lost");
		await shot(p.page, "wall-lost");
		await node.down(false);
		await p.page.waitForSelector(".wall:not(.lost)");
	} finally {
		await node.down(false);
		await p.close();
	}
});

test("an empty node says what to do next and offers it", async () => {
	const empty = await mock("empty");
	try {
		for (const lang of ["ko", "en"]) {
			const p = await open(browser, empty.base, null, { lang });
			try {
				for (const path of ["/", "/assets", "/lots", "/cases", "/imports", "/settings", "/?wall"]) {
					await p.go(path);
					await settle(p.page);
					const seen = await sound(p, `empty ${path}`);
					if (lang === "en") english(seen.text, ["새 공장", "온도(℃)"], `empty ${path}`);
					if (!path.includes("wall")) assert.ok((await p.page.locator("main .btn.go, main a.btn, main h1").count()) > 0, `${path} offers nothing`);
					await shot(p.page, `empty-${path.replace(/\W/g, "") || "today"}-${lang}`);
				}
				await p.go("/");
				assert.ok(await p.page.$("main a.btn[href='/imports']"));
				assert.ok(await p.page.$("main a.btn[href='/settings/devices']"));
				p.clean();
			} finally {
				await p.close();
			}
		}
	} finally {
		empty.close();
	}
});

test("Today says how old the last backup is, and why one failed", async () => {
	for (const [lang, why, age] of [["ko", /백업하지 못했습니다: \/mnt\/share\/mld에는 백업이 없습니다/, /마지막 백업은 27시간 전입니다/], ["en", /The backup failed: \/mnt\/share\/mld holds no backup/, /Last backup 27 h ago/]]) {
		const p = await open(browser, node.base, "/", { lang });
		try {
			await p.page.waitForFunction((s) => new RegExp(s).test(document.body.textContent), age.source);
			assert.match(await p.page.textContent("body"), why);
			p.clean();
		} finally {
			await p.close();
		}
	}
});

test("Today says that the disk fills up, and Settings how full it is and how much is written", async () => {
	for (const [lang, line, facts] of [["ko", /디스크가 거의 다 찼습니다. 빈자리 [\d.,]+\s*GB. 파일을 더 받지 않습니다/, /알림 85%.*측정값 거절 96%.*4 \(받음 [\d.,]+\s*GB, 씀 [\d.,]+\s*GB\)/s], ["en", /The disk is almost full: [\d.,]+\s*GB free/, /warns at 85%.*values at 96%.*4 \([\d.,]+\s*GB taken in, [\d.,]+\s*GB written\)/s]]) {
		const p = await open(browser, node.base, "/", { lang });
		try {
			await p.page.waitForFunction((s) => new RegExp(s).test(document.body.textContent), line.source);
			await p.page.goto(`${node.base}/settings`);
			await p.page.waitForFunction((s) => new RegExp(s, "s").test(document.body.textContent), facts.source);
			assert.equal(await p.page.getAttribute("[role=meter]", "aria-valuenow"), "94");
			p.clean();
		} finally {
			await p.close();
		}
	}
});

test("an owner exports a range, sees how far it is, fetches and removes the file; a drill's result is told on Settings and Today", async () => {
	const words = {
		ko: { exports: "모든 자료 내보내기", start: "내보내기", running: /내보내는 중입니다: 값 [\d.,만 ]+개, 9\.1\s*MB/, fetch: "받기", good: /마지막 복원 연습: 12일 전, 이상 없음.*14일마다 스스로 복원해 봅니다/s, today: /마지막 복원 연습: 30초 전, 실패: .*이상이 1건 있습니다/s, go: "복원해 보기", bad: /마지막 복원 연습: 30초 전, 실패/, why: /이상이 1건 있습니다/, what: /event \(e-17\)/ },
		en: { exports: "Export all data", start: "Export", running: /Exporting: [\d.,]+ values, 9\.1\s*MB/, fetch: "Download", good: /Last restore drill: 12 (d|days) ago, good.*every 14 (d|days)/s, today: /Last restore drill: 30 s ago, failed: .*had 1 finding/s, go: "Try a restore", bad: /Last restore drill: 30 s ago, failed/, why: /had 1 finding/, what: /event \(e-17\)/ },
	};
	for (const [lang, w] of Object.entries(words)) {
		const other = await mock("");
		const p = await open(browser, other.base, "/settings", { lang });
		const { page } = p;
		const has = (re) => page.waitForFunction(([s]) => new RegExp(s, "s").test(document.body.textContent), [re.source]);
		const card = page.locator("section", { has: page.locator(`h2:text-is('${w.exports}')`) });
		try {
			await settle(page);
			await has(w.good);
			await card.locator("input[type=date]").nth(0).fill("2026-11-01");
			await card.locator("input[type=date]").nth(1).fill("2026-11-07");
			const [asked] = await Promise.all([page.waitForRequest((r) => r.method() === "POST" && r.url().includes("/api/v1/exports")), card.locator(`button:text-is('${w.start}')`).click()]);
			/* Days of the node's zone, the last one whole. */
			assert.equal(new URL(asked.url()).search, "?from=2026-10-31T15%3A00%3A00.000Z&to=2026-11-07T15%3A00%3A00.000Z");
			await has(w.running);
			assert.ok(await card.locator(`button:text-is('${w.start}')`).isDisabled());
			const fresh = card.locator("tr", { hasText: "0badcafe" });
			await fresh.waitFor();
			assert.equal(await fresh.locator("a", { hasText: w.fetch }).getAttribute("href"), "/api/v1/exports/moru-20261122-001000-0badcafe.zip");
			await fresh.locator("button").click();
			await fresh.waitFor({ state: "detached" });
			if (lang === "ko") await accessible(page, "keep");
			await page.click(`button:text-is('${w.go}')`);
			await has(w.bad);
			await has(w.why);
			await has(w.what);
			await page.click("nav.rail a[href='/']");
			await has(w.today);
			p.clean();
		} finally {
			await p.close();
			other.close();
		}
	}
});

test("while the history loads Today shows how far it is", async () => {
	const loading = await mock("history");
	try {
		const p = await open(browser, loading.base, "/");
		try {
			const at = async () => Number(await p.page.getAttribute("[role=progressbar]", "aria-valuenow"));
			await p.page.waitForSelector("[role=progressbar]");
			const first = await at();
			assert.ok(first >= 40 && first < 100, `${first}%`);
			assert.match(await p.page.textContent("h1"), /불러오는 중/);
			await p.page.waitForFunction((n) => Number(document.querySelector("[role=progressbar]").getAttribute("aria-valuenow")) > n, first);
			await accessible(p.page, "loading");
			/* Who asked for less motion gets none. */
			const moving = () => p.page.evaluate(() => [...document.querySelectorAll("*")].map((e) => getComputedStyle(e)).filter((x) => parseFloat(x.transitionDuration) > 0 || x.animationName !== "none").length);
			assert.equal(await moving(), 1, "the bar grows");
			await p.page.emulateMedia({ reducedMotion: "reduce" });
			assert.equal(await moving(), 0, "nothing moves");
			await shot(p.page, "today-loading");
			p.clean();
		} finally {
			await p.close();
		}
	} finally {
		loading.close();
	}
});
