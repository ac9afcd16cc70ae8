/* The stand-in node (mock.mjs) as a process of its own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export async function mock(mode = "") {
	const dist = process.env.UI_DIST;
	assert.ok(dist && existsSync(join(dist, "index.html")), "UI_DIST: the folder of the built page, as meson test sets it");
	const child = spawn(process.execPath, [join(here, "../mock.mjs"), "0", dist], { env: { ...process.env, MOCK: mode }, stdio: ["ignore", "pipe", "inherit"] });
	child.stdout.setEncoding("utf8");
	const [line] = await once(child.stdout, "data");
	return { base: /http:\S+/.exec(line)[0], fault: (kind, path = "/api/") => set(`fault?kind=${kind}&path=${path}`), login: (role) => set(`login?role=${role ?? ""}`), down: (on) => set(`down?on=${on ? 1 : 0}`), close: () => child.kill() };
	async function set(what) {
		await fetch(`${/http:\S+/.exec(line)[0]}/mock/${what}`);
	}
}
