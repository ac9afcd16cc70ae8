/* The built page: its weight, and that it names no address outside the node. UI_DIST is the folder that was linked in. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 120_000;
const dist = process.env.UI_DIST;
assert.ok(dist && existsSync(dist), "UI_DIST: the folder of the built page, as meson test sets it");
const walk = (d) => readdirSync(d, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? walk(join(d, e.name)) : [join(d, e.name)]));
const files = walk(dist);
const embed = join(dirname(fileURLToPath(import.meta.url)), "../../../tools/embed.py");
/* Names of namespaces, which no browser asks for. */
const NAMES = /https?:\/\/(www\.)?w3\.org\/(2000\/svg|1998\/Math\/MathML|1999\/(xhtml|xlink)|XML\/1998\/namespace)/g;
const addresses = (s) => [...s.replace(NAMES, "").matchAll(/\b(https?|wss?):\/\/[^\s"'`)<>]+|["'(]\/\/[a-z0-9.-]+\.[a-z]{2,}/gi)].map((m) => m[0]);

test("everything the first load needs weighs at most 120 KB compressed", () => {
	const bytes = files.reduce((n, f) => n + gzipSync(readFileSync(f), { level: 9 }).length, 0);
	assert.ok(bytes > 20_000 && bytes <= BUDGET_BYTES, `${bytes} bytes`);
});

test("a page beyond the budget is not built", () => {
	const dir = mkdtempSync(join(tmpdir(), "moru-embed-"));
	try {
		mkdirSync(join(dir, "dist"));
		const run = () => spawnSync("python3", [embed, join(dir, "dist"), join(dir, "out.c")], { encoding: "utf8" });
		writeFileSync(join(dir, "dist/index.html"), "<!doctype html>");
		assert.equal(run().status, 0);
		writeFileSync(join(dir, "dist/a.js"), randomBytes(BUDGET_BYTES + 1000).toString("base64"));
		rmSync(join(dir, "out.c"));
		const r = run();
		assert.notEqual(r.status, 0);
		assert.match(r.stderr, /weighs \d+ bytes compressed/);
		assert.ok(!existsSync(join(dir, "out.c")));
	} finally {
		rmSync(dir, { recursive: true, force: true });
	}
});

test("the page names no address outside the node", () => {
	const found = files.filter((f) => /\.(html|js|css|svg|json|webmanifest)$/.test(f)).flatMap((f) => addresses(readFileSync(f, "utf8")).map((a) => `${f}: ${a}`));
	assert.deepEqual(found, []);
	assert.deepEqual(addresses('a "https://example.org/x" url(//cdn.example.org/f.woff) "http://www.w3.org/2000/svg"'), ["https://example.org/x", "(//cdn.example.org"], "the check itself finds them");
});
