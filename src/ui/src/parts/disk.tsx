/* What room there is: a line where it gets short, a card that says it all. */
import { useGet } from "../api";
import { bytes, number, rounded } from "../format";
import { t } from "../i18n";
import type { Disk, DiskState } from "../types";
import { disk } from "../words/disk";
import { Problem, Waiting } from "./basic";

const sentence = (d: DiskState): string => t(disk[d.state], { free: bytes(d.free_bytes) });

export function DiskLine({ d }: { d: DiskState }) {
	if (d.state === "plenty") return null;
	return (
		<p class="small" role="status" style={{ marginTop: "14px", color: d.state === "warn" ? undefined : "var(--stop)" }}>
			<a class="link" href="/settings">{sentence(d)}</a>
		</p>
	);
}

export function DiskCard() {
	const got = useGet<Disk>("/api/v1/disk", { every: 10_000 });
	const d = got.data;
	if (!d) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const used = d.size_bytes - d.free_bytes, share = d.size_bytes ? (used / d.size_bytes) * 100 : 0;
	return (
		<section class="sheet">
			<header><h2>{t(disk.title)}</h2></header>
			<div class="meter" role="meter" aria-label={t(disk.used)} aria-valuenow={Math.round(share)} aria-valuemin={0} aria-valuemax={100}><i style={{ width: `${share}%` }} /></div>
			<p class="small" style={{ padding: "8px 0" }}>{sentence(d)}</p>
			<dl class="facts">
				<dt>{t(disk.used)}</dt><dd>{t(disk.usedOf, { used: bytes(used), size: bytes(d.size_bytes) })}</dd>
				<dt>{t(disk.marks)}</dt><dd>{t(disk.marksOf, d.marks)}</dd>
				{d.written.ratio !== null && d.written.device_bytes !== null && [
					<dt key="t">{t(disk.ratio)}</dt>,
					<dd key="d">{t(disk.ratioOf, { n: rounded(d.written.ratio, 1), taken: bytes(d.written.taken_bytes), device: bytes(d.written.device_bytes) })}</dd>,
				]}
				{d.values_lost > 0 && [<dt key="t">{t(disk.lost)}</dt>, <dd key="d">{number(d.values_lost)}</dd>]}
			</dl>
		</section>
	);
}
