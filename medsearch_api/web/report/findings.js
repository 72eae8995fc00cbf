// A report's findings, by category and assertion. Each links to the reports with the same finding.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { formatRoute, noFilters, searchRoute } from "../router/routes.js";
import { ASSERTIONS, CATEGORIES, SIGNS, asserted, notRead } from "../labels.js";

const SEARCHED = { PRESENT: "present", ABSENT: "absent", UNCERTAIN: "uncertain" };
const ORDER = Object.keys(ASSERTIONS);

/** Every concept once per assertion, in the order of the assertions. */
export function distinct(entities) {
  const found = new Map(entities.map((e) => [`${e.concept} ${asserted(e)}`, e]));
  return [...found.values()].sort((a, b) => ORDER.indexOf(a.assertion) - ORDER.indexOf(b.assertion));
}

/** The search for reports with the same finding; by text if it has no code or is neither present, absent nor uncertain. */
function same({ assertion, icd10cmCode, concept }) {
  const name = SEARCHED[assertion];
  if (!name || !icd10cmCode) return formatRoute(searchRoute({ words: concept }));
  return formatRoute(searchRoute({ filters: { ...noFilters(), [name]: [icd10cmCode] } }));
}

function item(entity, extra) {
  const tone = entity.assertion.toLowerCase();
  const said = asserted(entity);
  return html`
    <li class="entity ${tone}">
      <span class="sign" title=${said} aria-hidden="true">${SIGNS[tone] ?? "·"}</span>
      <a href=${same(entity)} title="Reports with the same finding" aria-label=${`${entity.concept}, ${said.toLowerCase()}`}>${entity.concept}</a>
      <span class="assertion" aria-hidden="true">${entity.certainty?.toLowerCase() ?? (tone in SIGNS ? nothing : said.toLowerCase())}</span>
      <span class="code">${entity.icd10cmCode ?? ""}</span>
      ${extra(entity)}
    </li>`;
}

/** A report's findings by category. `extra(entity)` is appended to each. */
export function findings(report, extra = () => nothing) {
  if (report?.reading?.notRead) return html`<p class="quiet">${notRead(report.reading.notRead)}</p>`;
  const all = distinct(report?.entities ?? []);
  if (!all.length) return html`<p class="quiet">No findings were recognized in this report.</p>`;
  const groups = Object.entries(CATEGORIES).map(([category, title]) => [title, all.filter((e) => e.category === category)]);
  return html`<div class="said">${groups.filter(([, of]) => of.length).map(([title, of]) => html`
    <section aria-label=${title}><h3>${title}</h3><ul>${of.map((e) => item(e, extra))}</ul></section>`)}</div>`;
}
