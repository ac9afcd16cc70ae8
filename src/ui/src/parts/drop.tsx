/* A file dropped anywhere on the page goes to Import: nobody has to find the right rectangle. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { go } from "../router";
import { imports } from "../words/imports";
import { note } from "./basic";
import { icons } from "./icons";

let taker: ((files: File[]) => void) | null = null;
let waiting: File[] | null = null;

/* The import page takes what was dropped, also what was dropped before it was opened. */
export function onDropped(f: (files: File[]) => void): () => void {
	taker = f;
	if (waiting) f(waiting);
	waiting = null;
	return () => {
		if (taker === f) taker = null;
	};
}

export function DropAnywhere() {
	const [over, setOver] = useState(false);
	useEffect(() => {
		let depth = 0;
		const files = (e: DragEvent): boolean => [...(e.dataTransfer?.types ?? [])].includes("Files");
		const enter = (e: DragEvent) => {
			if (files(e) && depth++ === 0) setOver(true);
		};
		const leave = (e: DragEvent) => {
			if (files(e) && --depth <= 0) {
				depth = 0;
				setOver(false);
			}
		};
		const hover = (e: DragEvent) => files(e) && e.preventDefault();
		const drop = (e: DragEvent) => {
			if (!files(e)) return;
			e.preventDefault();
			depth = 0;
			setOver(false);
			const folder = [...e.dataTransfer!.items].some((i) => i.webkitGetAsEntry?.()?.isDirectory);
			const list = [...e.dataTransfer!.files];
			if (folder || !list.length) {
				note(t(imports.noFolder));
				return;
			}
			if (taker) taker(list);
			else {
				waiting = list;
				go("/imports");
			}
		};
		addEventListener("dragenter", enter);
		addEventListener("dragleave", leave);
		addEventListener("dragover", hover);
		addEventListener("drop", drop);
		return () => {
			removeEventListener("dragenter", enter);
			removeEventListener("dragleave", leave);
			removeEventListener("dragover", hover);
			removeEventListener("drop", drop);
		};
	}, []);
	return over ? (
		<div class="drop-all" aria-hidden="true">
			<b>{icons.imports}{t(imports.dropHere)}</b>
		</div>
	) : null;
}
