// The filters of similar images: other patients, same view, and whether the report must state a finding.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { setSimilarFilters } from "../actions.js";
import { noSimilarFilters } from "../router/routes.js";
import { isSimilarFiltered, setStance, toggleValue } from "../router/filters.js";
import { ageRange } from "../search/facets.js";
import { clearLink, filterTags } from "../search/active-filters.js";
import { SEXES, shorten } from "../labels.js";

const MAX_CODES = 14;
const STANCES = [["present", "with"], ["without", "without"], ["absent", "reported absent"]];

const toggle = (like, name, label) => html`
  <label class="switch">
    <input type="checkbox" role="switch" .checked=${like[name]} @change=${() => setSimilarFilters({ ...like, [name]: !like[name] })}>${label}
  </label>`;

/** Suggested finding codes: those of the report, then those of the displayed images, the most frequent first. */
export function suggestedCodes(own, nodes) {
  const counts = new Map();
  for (const code of nodes.flatMap((n) => n.presentCodes)) counts.set(code, (counts.get(code) ?? 0) + 1);
  const others = [...counts].sort(([, a], [, b]) => b - a).map(([code]) => code);
  return [...new Set([...own, ...others])].slice(0, MAX_CODES);
}

/** Buttons that choose whether the reports of similar images must state a finding. */
export function stances(like, code, name) {
  return html`
    <span class="stances" role="group" aria-label=${name}>${STANCES.map(([field, label]) => html`
      <button type="button" class=${field} aria-pressed=${like[field].includes(code)}
        @click=${() => setSimilarFilters(setStance(like, field, code))}>${label}</button>`)}
    </span>`;
}

const choice = (like, code, label) => html`
  <li><span class="label" title=${`${code} ${label}`}>${shorten(label)}</span>${stances(like, code, shorten(label))}</li>`;

const sexChip = (like, sex) => html`
  <button class="chip" type="button" aria-pressed=${like.sexes.includes(sex)} @click=${() => setSimilarFilters(toggleValue(like, "sexes", sex))}>
    ${SEXES[sex]}
  </button>`;

/** `image` is null if the query is an uploaded file. */
export function similarFilterBar({ route: { like }, labels }, image, codes) {
  const clear = () => setSimilarFilters({ ...noSimilarFilters(), shown: like.shown });
  return html`
    <div class="likefilters">
      <div class="switches">
        ${image ? toggle(like, "others", "Other patients") : nothing}
        ${image?.viewPosition ? toggle(like, "sameView", `Same view (${image.viewPosition})`) : nothing}
        <details class="morefilters">
          <summary>Findings, sex, age</summary>
          <div class="sheet">
            ${codes.length ? html`<ul class="choices">${codes.map((code) => choice(like, code, labels.get(code) ?? code))}</ul>` : nothing}
            <div class="chips sexes" role="group" aria-label="Sex">${["FEMALE", "MALE"].map((sex) => sexChip(like, sex))}</div>
            ${ageRange(like, setSimilarFilters)}
          </div>
        </details>
      </div>
      <div class="tags">${filterTags(like, labels, setSimilarFilters)}${clearLink(isSimilarFiltered(like), clear)}</div>
    </div>`;
}
