/* Search over everything, by keyboard: Ctrl-K, arrows, Enter. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get, query } from "../api";
import { t } from "../i18n";
import { go, href } from "../router";
import type { Found, List } from "../types";
import { frame } from "../words/frame";
import { states } from "../words/states";
import { word } from "./basic";

type Hit = { kind: string; title: string; detail: string; to: string };

export function foundHref(f: Found): string {
	if (f.kind === "lot") {
		const slash = f.key.indexOf("/");
		return href("lots", f.key.slice(0, slash), f.key.slice(slash + 1));
	}
	if (f.kind === "signal") return href("series", f.key);
	return href("assets", f.key);
}

export function Find({ close }: { close: () => void }) {
	const box = useRef<HTMLDialogElement>(null);
	const [q, setQ] = useState("");
	const [hits, setHits] = useState<Hit[] | null>(null);
	const [at, setAt] = useState(0);
	const pages: Hit[] = (["today", "assets", "lots", "cases", "imports", "settings"] as const).map((k) => ({ kind: t(frame.findPages), title: t(frame[k]), detail: "", to: k === "today" ? "/" : `/${k}` }));
	useEffect(() => {
		const d = box.current!;
		d.showModal();
		return () => d.close();
	}, []);
	useEffect(() => {
		const text = q.trim();
		setAt(0);
		if (!text) {
			setHits(null);
			return;
		}
		const c = new AbortController();
		const id = setTimeout(() => {
			const kinds = { asset: frame.kindAsset, item: frame.kindItem, signal: frame.kindSignal, lot: frame.kindLot };
			const own = pages.filter((p) => p.title.toLowerCase().includes(text.toLowerCase()));
			get<List<Found>>(`/api/v1/search${query({ q: text, limit: 30 })}`, c.signal).then(
				(r) => setHits([...own, ...r.items.map((f) => ({ kind: word(kinds, f.kind), title: f.title, detail: word(states, f.detail || null) === f.detail ? f.detail : f.detail in states ? word(states, f.detail) : "", to: foundHref(f) }))]),
				() => !c.signal.aborted && setHits(own),
			);
		}, 90);
		return () => {
			clearTimeout(id);
			c.abort();
		};
	}, [q]);
	const list = q.trim() ? (hits ?? []) : pages;
	const open = (h: Hit | undefined) => {
		if (!h) return;
		close();
		go(h.to);
	};
	useEffect(() => {
		box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
	}, [at]);
	return (
		<dialog class="find" ref={box} aria-label={t(frame.findShort)} onClose={close} onClick={(e) => e.target === box.current && close()}>
			<div class="row">
				<input
					value={q}
					placeholder={t(frame.find)}
					aria-label={t(frame.find)}
					role="combobox"
					aria-expanded="true"
					aria-controls="found"
					aria-activedescendant={list.length ? `found-${at}` : undefined}
					autocomplete="off"
					spellcheck={false}
					onInput={(e) => setQ(e.currentTarget.value)}
					onKeyDown={(e) => {
						if (e.key === "ArrowDown") setAt(Math.min(at + 1, list.length - 1));
						else if (e.key === "ArrowUp") setAt(Math.max(at - 1, 0));
						else if (e.key === "Enter") open(list[at]);
						else return;
						e.preventDefault();
					}}
				/>
				<button class="btn plain" onClick={close}>{t(frame.close)}</button>
			</div>
			<ul id="found" role="listbox" aria-label={t(frame.findShort)}>
				{list.map((h, i) => (
					<li key={h.to + i} id={`found-${i}`} role="option" aria-selected={i === at} data-to={h.to} onMouseMove={() => setAt(i)} onClick={() => open(h)}>
						<small class="kind">{h.kind}</small>
						<span>{h.title}</span>
						<small>{h.detail}</small>
					</li>
				))}
			</ul>
			{hits && !list.length && <p>{t(frame.findNothing, { q })}</p>}
			{!q.trim() && <p>{t(frame.findHint)}</p>}
		</dialog>
	);
}
