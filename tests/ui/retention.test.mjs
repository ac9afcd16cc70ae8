/* Rules of retention on Settings: read, set, taken back; of what the store holds it is said before what would go. */
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { accessible, launch, open, PHONE, settle, shot, WIDE } from "./lib/browser.mjs";
import { mock } from "./lib/mock.mjs";

let browser, node;
before(async () => {
	[browser, node] = await Promise.all([launch(), mock()]);
});
after(async () => {
	await browser?.close();
	node?.close();
});
const get = async (path) => (await fetch(node.base + path)).json();

test("an owner sets how long data are kept; what is refused comes with its reason", async () => {
	const p = await open(browser, node.base, "/settings", { lang: "en", expected: /400/ });
	const { page } = p;
	try {
		await page.getByText("Values of cycles of MLD-01: kept for 3,650 days").waitFor();
		await page.getByText("1,200 values deleted").waitFor();
		await page.getByLabel("Machine's code (empty: all)").fill("MLD-02");
		await page.getByLabel("Days", { exact: true }).fill("90");
		await page.getByRole("button", { name: "Add a rule" }).click();
		await page.getByText("Values over time of MLD-02: kept for 90 days").waitFor();
		await page.getByLabel("Days", { exact: true }).fill("30");
		await page.getByRole("button", { name: "Add a rule" }).click();
		await page.getByText("No two rules may be for the same").first().waitFor();
		await page.getByRole("button", { name: "Remove Values over time of MLD-02" }).click();
		await page.waitForFunction(() => !/of MLD-02/.test(document.body.textContent));
		/* What the store holds: what would go is said before, another number of days is another question, and only then is it saved. */
		await page.getByText("2 files, 4 cases and 0 entries of the audit trail").waitFor();
		await page.getByLabel("What").selectOption("cases");
		assert.equal(await page.getByLabel("Machine's code (empty: all)").count(), 0);
		await page.getByLabel("Days", { exact: true }).fill("90");
		await page.getByRole("button", { name: "See what would go" }).click();
		await page.getByText(/With this rule 31 cases will be deleted, notes included; closed from .* to /).waitFor();
		assert.equal((await get("/api/v1/retention")).rules.some((r) => r.class === "cases"), false);
		await shot(page, "retention-asked", true);
		await page.setViewportSize(PHONE);
		await settle(page);
		assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than the phone");
		await accessible(page, "retention-asked-phone");
		await shot(page, "retention-asked-phone", true);
		await page.setViewportSize(WIDE);
		await page.getByLabel("Days", { exact: true }).fill("500");
		await page.waitForFunction(() => !/31 cases/.test(document.body.textContent));
		await page.getByRole("button", { name: "See what would go" }).click();
		await page.getByText("With this rule nothing will be deleted now.").waitFor();
		await page.getByRole("button", { name: "Leave it" }).click();
		await page.getByRole("button", { name: "See what would go" }).click();
		await page.getByRole("button", { name: "Save with 500 days" }).click();
		await page.getByText("Closed cases: kept for 500 days").waitFor();
		await page.getByRole("button", { name: "Remove Closed cases" }).click();
		await page.waitForFunction(() => !/kept for 500/.test(document.body.textContent));
		p.clean();
	} finally {
		await p.close();
	}
});
