/* How old the last backup is, or why there is none. */
import { duration } from "../format";
import { said, t } from "../i18n";
import type { Backup } from "../types";
import { backup } from "../words/backup";
import { DrillLine } from "./keep";

export function BackupLine({ b }: { b: Backup }) {
	const failed = b.last && !b.last.ok && (!b.target || b.last.target === b.target) ? b.last : null;
	return (
		<p class="small" style={{ marginTop: "14px" }}>
			{failed && <span style={{ color: "var(--stop)" }}>{!failed.why ? t(backup.failed) : failed.snapshot ? t(backup.butWhy, { why: said(failed.why) }) : t(backup.failedWhy, { why: said(failed.why) })} </span>}
			{b.age_s !== null && b.good ? t(backup.good, { d: duration(b.age_s * 1000), target: b.good.target }) : t(backup.never)}
			{b.running && ` ${t(backup.running)}`}
			{b.drill?.last && <> <DrillLine d={b.drill} why /></>}
		</p>
	);
}
