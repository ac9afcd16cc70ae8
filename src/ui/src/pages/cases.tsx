/* Cases: what needs a person, by state. */
import { useGet } from "../api";
import { whenText } from "../format";
import { t } from "../i18n";
import { useNow } from "../live";
import { caseLook, Lead, Problem, State, stateWord, Waiting } from "../parts/basic";
import { caseHref, caseSeen, caseTitle, caseWhen, kindWord } from "../parts/seen";
import { go, setQuery, useRoute } from "../router";
import type { Case, CaseState, List } from "../types";
import { cases } from "../words/cases";
import { frame } from "../words/frame";
import { useSignalNames } from "./today";

export const caseStates: readonly CaseState[] = ["open", "seen", "in_work", "done", "closed"];
const active: readonly CaseState[] = ["open", "seen", "in_work"];

export function CasesPage() {
	const got = useGet<List<Case>>("/api/v1/cases?limit=1000", { nouns: ["case"] });
	const { query } = useRoute();
	const now = useNow();
	const all = got.data?.items ?? [];
	const names = useSignalNames(all);
	if (!got.data) return got.error ? <section class="sheet"><Problem error={got.error} again={got.again} /></section> : <Waiting />;
	const asked = query.get("state") as CaseState | "all" | null;
	const count = (s: CaseState): number => all.filter((c) => c.state === s).length;
	const list = all.filter((c) => (asked === "all" ? true : asked && caseStates.includes(asked) ? c.state === asked : active.includes(c.state)));
	const open = count("open"), work = count("seen") + count("in_work");
	const newest = all.find((c) => c.state === "open");
	return (
		<>
			<Lead page={t(frame.cases)} title={open ? t(cases.leadOpen, { n: open }) : work ? t(cases.leadWork, { n: work }) : t(cases.leadNone)}>
				{newest ? t(cases.leadNewest, { what: caseTitle(newest, names) }) : t(cases.leadNoneMore)}
			</Lead>
			<div class="toolbar">
				<span class="tabs" role="group" aria-label={t(cases.filter)}>
					<button aria-pressed={asked === null} onClick={() => setQuery({ state: null })}>{t(cases.active)} {open + work}</button>
					{caseStates.map((s) => (
						<button key={s} aria-pressed={asked === s} onClick={() => setQuery({ state: s })}>{stateWord(s)} {count(s)}</button>
					))}
					<button aria-pressed={asked === "all"} onClick={() => setQuery({ state: "all" })}>{t(frame.all)} {all.length}</button>
				</span>
			</div>
			<section class="sheet">
				{list.length ? (
					<table class="cards-phone">
						<thead>
							<tr>
								<th>{t(cases.state)}</th>
								<th>{t(cases.what)}</th>
								<th>{t(cases.begin)}</th>
								<th class="num">{t(cases.raised)}</th>
							</tr>
						</thead>
						<tbody>
							{list.map((c) => (
								<tr key={c.id} class="go-row" onClick={(e) => !(e.target as Element).closest("a") && go(caseHref(c))}>
									<td><State look={caseLook[c.state]}>{stateWord(c.state)}</State></td>
									<td class="wide">
										<a class="strong" href={caseHref(c)}>{caseTitle(c, names)}</a> <span class="tag off-phone">{kindWord(c.kind)}</span>
										<br />
										<small>{caseSeen(c)}</small>
									</td>
									<td class="wide"><small>{caseWhen(c)}</small></td>
									<td class="num off-phone"><small>{whenText(c.raised, now)}</small></td>
								</tr>
							))}
						</tbody>
					</table>
				) : (
					<p class="small">{t(cases.none)}</p>
				)}
			</section>
		</>
	);
}
