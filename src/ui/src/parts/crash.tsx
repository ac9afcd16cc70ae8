/* Told until a person has seen it: the node's last run ended by a fault of the program. */
import { useState } from "preact/hooks";
import { post, type ApiError } from "../api";
import { timeText } from "../format";
import { said, t } from "../i18n";
import { useNow } from "../live";
import type { NodeInfo } from "../types";
import { log } from "../words/log";
import { units } from "../words/units";
import { note } from "./basic";

/* Dismissed here; the node's own word follows with its next answer. */
let dismissed: string | null = null;

export function CrashNote({ node }: { node: NodeInfo }) {
	const now = useNow();
	const [, again] = useState(0);
	const c = node.crash;
	if (!c || dismissed === c.file) return null;
	const none = t(units.none);
	const dismiss = () =>
		post("/api/v1/crash/seen", {}).then(
			() => {
				dismissed = c.file;
				again((n) => n + 1);
			},
			(e: ApiError) => e.detail && note(said(e.detail)),
		);
	return (
		<section class="sheet crash" role="status" style={{ marginBottom: "16px" }}>
			<div class="problem">
				<b>{t(log.crashed, { t: timeText(c.t, now) })}</b>
				<p class="small">{t(log.crashedMore)}</p>
				<details>
					<summary>{t(log.crashedTrace, { file: c.file, v: c.version ?? none, s: c.signal, w: c.thread ?? none })}</summary>
					<pre>{c.frames.join("\n")}</pre>
				</details>
				<div class="acts">
					<button class="btn tight" onClick={dismiss}>{t(log.dismiss)}</button>
					<a class="link small" href="/settings/log">{t(log.open)}</a>
				</div>
			</div>
		</section>
	);
}
