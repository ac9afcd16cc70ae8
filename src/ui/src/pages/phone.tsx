/* Settings > Connect a phone: where it finds the node, as a QR code, and what it is to believe. */
import { useState } from "preact/hooks";
import { useGet } from "../api";
import { timeText } from "../format";
import { t } from "../i18n";
import { useNow } from "../live";
import { Lead, Problem, Waiting } from "../parts/basic";
import type { Phone, PhonePlace } from "../types";
import { phone } from "../words/phone";

/* Always dark on light, quiet zone and all: cameras read nothing else for sure. */
function Code({ place }: { place: PhonePlace }) {
	return (
		<svg class="qr" viewBox={`0 0 ${place.size} ${place.size}`} role="img" aria-label={t(phone.code, { url: place.url })} shape-rendering="crispEdges">
			<rect width={place.size} height={place.size} fill="#fff" />
			<path d={place.path} fill="#000" />
		</svg>
	);
}

function Places({ places }: { places: PhonePlace[] }) {
	const [at, setAt] = useState(0);
	const place = places[Math.min(at, places.length - 1)]!;
	return (
		<section class="sheet">
			<header><h2>{t(phone.places)}</h2></header>
			{places.length > 1 && (
				<div class="toolbar">
					<span class="tabs" role="group" aria-label={t(phone.places)}>
						{places.map((p, i) => <button key={p.host} aria-pressed={p === place} onClick={() => setAt(i)}>{p.host}</button>)}
					</span>
				</div>
			)}
			<Code place={place} />
			<p class="mono">{place.url}</p>
			{places.length > 1 && <p class="small">{t(phone.onSite)}</p>}
		</section>
	);
}

function lead(p: Phone): [string, string] {
	if (p.places.length) return [t(phone.ready), t(phone.readyMore)];
	if (!p.tls) return [t(phone.notYet), t(phone.noTls)];
	if (!p.ca) return [t(phone.given), t(phone.givenMore)];
	if (!p.others) return [t(phone.notYet), t(phone.loopback)];
	return [t(phone.noPlace), t(phone.noPlaceMore)];
}

export function PhonePage() {
	const got = useGet<Phone>("/api/v1/phone", { every: 30_000 });
	const now = useNow();
	if (!got.data) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const p = got.data, [title, more] = lead(p);
	return (
		<>
			<Lead page={t(phone.title)} crumb={<a href="/settings">{t(phone.crumb)}</a>} title={title}>{more}</Lead>
			<div class="cols two">
				{p.places.length > 0 && <Places places={p.places} />}
				{p.ca && (
					<section class="sheet">
						<header><h2>{t(phone.print)}</h2></header>
						<p class="mono print">{p.ca.sha256}</p>
						<p class="small">{t(phone.compare)}</p>
						<dl class="facts">
							<dt>{t(phone.subject)}</dt><dd>{p.ca.subject}</dd>
							<dt>{t(phone.until)}</dt><dd>{timeText(p.ca.to, now)}</dd>
						</dl>
						<p class="acts small" style={{ paddingTop: "10px", gap: "4px 14px" }}>
							<a class="link" href="/ca" target="_blank" rel="noreferrer">{t(phone.steps)}</a>
							<a class="link" href="/ca.crt" download>{t(phone.file)}</a>
						</p>
					</section>
				)}
			</div>
		</>
	);
}
