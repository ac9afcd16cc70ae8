/* Certificates and keys in a real browser against the stand-in node. */
import test, { after, before } from "node:test";
import { accessible, launch, open, PHONE, settle, sound } from "./lib/browser.mjs";
import { mock } from "./lib/mock.mjs";

let browser, node;
before(async () => {
	[browser, node] = await Promise.all([launch(), mock()]);
});
after(async () => {
	await browser?.close();
	node?.close();
});

test("an owner compares an unknown certificate's fingerprint, accepts it, refuses it again, and sees the node's own keys", async () => {
	const p = await open(browser, node.base, "/settings/trust", { lang: "en", expected: /400/ });
	const { page } = p;
	const sees = (where, text) => where.locator(`text=${text}`).first().waitFor();
	try {
		await settle(page);
		await sees(page, "Please look at the certificate of ERP");
		await sees(page, "A7A7 A7A7");
		await sees(page, "erp.daehan.example, 10.20.0.7");
		await accessible(page, "trust");
		await page.setViewportSize(PHONE);
		await sound(p, "trust on the phone");
		await page.locator("[aria-label='Accept erp.daehan.example']").click();
		await sees(page, "No certificate waits for a decision");
		const row = page.locator("tr", { hasText: "A7A7 A7A7" }).first();
		await sees(row, "Accepted");
		await row.locator("text=Refuse").click();
		await sees(row, "Refused");
		await row.locator("text=Forget").click();
		await row.waitFor({ state: "detached" });
		await page.setInputFiles("input[type=file]", { name: "a.pem", mimeType: "text/plain", buffer: Buffer.from("nothing") });
		await page.locator("text=Add and trust").click();
		await sees(page, "holds no certificate that can be read");
		await sees(page.locator("tr", { hasText: "Connections to this node" }), "made anew before it ends");
	} finally {
		await p.close();
	}
});
