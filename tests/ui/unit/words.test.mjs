/* Words of the page: every key in both languages, the same places in both, used and known; no text of a language stands in a component. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const ui = join(dirname(fileURLToPath(import.meta.url)), "../../../src/ui"), src = join(ui, "src");
/* The compiler that builds the page. */
const ts = createRequire(join(ui, "package.json"))("typescript");
const walk = (d) => readdirSync(d, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? walk(join(d, e.name)) : [join(d, e.name)]));
const files = walk(src).filter((f) => /\.tsx?$/.test(f));
const tables = files.filter((f) => f.includes("/words/"));
const code = files.filter((f) => !f.includes("/words/"));
const parse = (f) => ts.createSourceFile(f, readFileSync(f, "utf8"), ts.ScriptTarget.Latest, true, f.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS);
const load = async (f) => {
	const js = ts.transpileModule(readFileSync(f, "utf8"), { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2021 } }).outputText;
	return import(`data:text/javascript;base64,${Buffer.from(js).toString("base64")}`);
};
const hangul = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]/;
/* Words that are written the same in both languages, or name the other language. */
const alike = new Set(["units.none", "units.kb", "units.mb", "units.gb", "units.from", "frame.koreanShort", "frame.englishShort", "chart.csv", "chart.at", "lots.moved", "settings.json", "frame.findKeys"]);

/* Walks one file and calls back for each text a person could see. */
function texts(file, tell) {
	const visit = (n) => {
		if (ts.isJsxText(n) && /[\p{L}]/u.test(n.text)) tell(n, n.text.trim());
		if (ts.isStringLiteralLike(n) || ts.isTemplateHead(n) || ts.isTemplateMiddle(n) || ts.isTemplateTail(n)) {
			const attr = n.parent && ts.isJsxAttribute(n.parent) ? n.parent.name.getText() : "";
			if (hangul.test(n.text)) tell(n, n.text);
			else if (/^(title|placeholder|aria-label|alt|label|more|aria-description)$/.test(attr) && /\p{L}{2}/u.test(n.text) && !/^[A-Z]{2,}-?\d*$|^[\d.]+$/.test(n.text)) tell(n, n.text);
		}
		ts.forEachChild(n, visit);
	};
	visit(file);
}

test("every word stands in Korean and in English, with the same places", async () => {
	let n = 0;
	for (const f of tables)
		for (const [name, table] of Object.entries(await load(f)))
			for (const [key, w] of Object.entries(table)) {
				const at = `${name}.${key}`;
				n++;
				assert.ok(Array.isArray(w) && w.length === 2, at);
				const [ko, en] = w;
				assert.ok(ko.trim() && en.trim(), `${at} is empty`);
				assert.ok(!hangul.test(en) || at === "frame.koreanShort" || at === "imports.dropMore", `${at}: Korean in the English word`);
				assert.ok(hangul.test(ko) || alike.has(at) || !/[a-z]{3}/i.test(ko.replace(/\{[^}]*\}/g, "")) || /^(JSON|CSV)$/.test(ko), `${at}: no Korean in the Korean word`);
				const places = (s) => [...new Set([...s.matchAll(/\{(\w+)/g)].map((m) => m[1]))].sort().join();
				const dates = name === "units";
				assert.ok(dates || places(ko) === places(en), `${at}: places differ: ${places(ko)} / ${places(en)}`);
				for (const m of ko.matchAll(/\{\w+\|([^}]*)\}/g)) assert.match(m[1], /^[가-힣]+\/[가-힣]+$/, `${at}: particle`);
				for (const m of en.matchAll(/\{\w+#([^}]*)\}/g)) assert.match(m[1], /^[^/]+\/[^/]+$/, `${at}: singular/plural`);
			}
	assert.ok(n > 300, "the tables were read");
});

/* That every word asked for exists is what the compiler checks. */
test("every word is asked for", async () => {
	const known = new Map();
	for (const f of tables) for (const [name, table] of Object.entries(await load(f))) known.set(name, table);
	const all = code.map((f) => readFileSync(f, "utf8")).join("\n");
	const unused = [];
	for (const [name, table] of known) {
		/* A table that is looked up by a name of the node is used as a whole. */
		if (["states", "objects"].includes(name) || name === "units") continue;
		for (const key of Object.keys(table)) {
			const used = new RegExp(`\\b${name}\\.${key}\\b|"${key}"|\\b${key}\\b(?=["':\\]])`).test(all);
			if (!used) unused.push(`${name}.${key}`);
		}
	}
	assert.deepEqual(unused, []);
});

test("no text of a language stands in a component", () => {
	const found = [];
	/* i18n.ts holds the grammar of particles itself. */
	for (const f of code.filter((x) => !x.endsWith("/i18n.ts"))) texts(parse(f), (n, text) => found.push(`${relative(src, f)}:${n.getSourceFile().getLineAndCharacterOfPosition(n.getStart()).line + 1} ${JSON.stringify(text)}`));
	assert.deepEqual(found, []);
});

test("the check itself finds what it looks for", () => {
	const found = [];
	texts(ts.createSourceFile("x.tsx", 'const a = <p title="Hello there">Some words {t(x)} {"한글"}</p>;', ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX), (_, s) => found.push(s));
	assert.deepEqual(found, ["Hello there", "Some words", "한글"]);
});
