// Facets of the matching reports: three bar charts of findings, chips, and ranges. Each one sets a filter.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { search } from "../actions.js";
import { FACETS } from "../facets.js";
import { toggleValue } from "../router/filters.js";
import { skeleton } from "../shell/notes.js";
import { SEX, SEXES, SEX_OF_VALUE, shorten } from "../labels.js";

const switching = (filters, name, value) => () => search({ filters: toggleValue(filters, name, value) });

const SHOWN_BARS = 8;

const width = (part) => `width: ${Math.max(2, 100 * part)}%`;

/** A bar chart of ICD-10-CM codes. Clicking a bar filters by its code. A bar for `maxCount` reports has the full width. */
function chart(title, name, counts, filters, maxCount) {
  const bar = ({ value, label, count }) => html`
    <li>
      <button class="finding" type="button" data-key=${`${name} ${value}`} aria-pressed=${filters[name].includes(value)}
        title=${`${value} ${label ?? ""}`.trim()} @click=${switching(filters, name, value)}>
        <span class="label">${shorten(label ?? value)}</span><span class="count">${count}</span>
        <span class="track" aria-hidden="true"><span class="bar" .style=${width(count / maxCount)}></span></span>
      </button>
    </li>`;
  const bars = (of) => repeat(of, (c) => c.value, bar);
  const rest = counts.slice(SHOWN_BARS);
  return html`
    <section class="chart ${name}" aria-label=${title}>
      <h3>${title}</h3>
      ${counts.length ? html`<ul class="bars">${bars(counts.slice(0, SHOWN_BARS))}</ul>` : html`<p class="quiet">None in these reports.</p>`}
      ${rest.length ? html`<details class="rest"><summary>${rest.length} more</summary><ul class="bars">${bars(rest)}</ul></details>` : nothing}
    </section>`;
}

/** The values of a facet; none where there is nothing to choose between. */
function chips({ title, name }, counts, filters, valueOf = (v) => v, labelOf = (v) => v) {
  if (counts.length < 2 && !filters[name].length) return nothing;
  return html`
    <section class="chips ${name}" aria-label=${title}>
      <h3>${title}</h3>
      <div>${repeat(counts, (c) => c.value, ({ value, count }) => html`
        <button class="chip" type="button" data-key=${`${name} ${value}`} aria-pressed=${filters[name].includes(valueOf(value))}
          @click=${switching(filters, name, valueOf(value))}>
          ${labelOf(value)} <span class="count">${count}</span>
        </button>`)}</div>
    </section>`;
}

/** The filters with one end of a range set. The other end is opened if it would lie on the wrong side. */
export function withEnd(filters, [low, high], name, value) {
  const next = { ...filters, [name]: value };
  const isCrossed = next[low] !== null && next[high] !== null && next[low] > next[high];
  return isCrossed ? { ...next, [name === low ? high : low]: null } : next;
}

/** The two ends of a range, each of them optional. `read` parses the typed value; null means open. */
export function range(title, kind, [low, high], filters, onChange, read, attributes = {}) {
  const field = (name, label) => html`
    <label><span class="unseen">${title} ${label}</span>
      <input type=${kind} min=${attributes.min ?? nothing} max=${attributes.max ?? nothing} placeholder=${label} .value=${filters[name] ?? ""}
        @change=${(event) => event.target.validity.valid && onChange(withEnd(filters, [low, high], name, read(event.target.value)))}>
    </label>`;
  return html`<fieldset class="range"><legend>${title}</legend>${field(low, "from")}<span aria-hidden="true">–</span>${field(high, "to")}</fieldset>`;
}

const number = (text) => (text === "" ? null : Number(text));
export const ageRange = (filters, onChange) =>
  range("Age", "number", ["minAge", "maxAge"], filters, onChange, number, { min: 0, max: 150 });

/** All facets of a search, or placeholders while it loads. */
export function facets(answer, filters) {
  if (!answer) return skeleton.bars(12);
  const change = (next) => search({ filters: next });
  const sexes = answer.sexes.filter(({ value }) => value in SEX_OF_VALUE);
  const maxCount = Math.max(1, ...[answer.present, answer.absent, answer.uncertain].flat().map((c) => c.count));
  return html`
    ${chart("Present", "present", answer.present, filters, maxCount)}
    ${chart("Absent", "absent", answer.absent, filters, maxCount)}
    ${chart("Uncertain", "uncertain", answer.uncertain, filters, maxCount)}
    ${FACETS.map((facet) => chips(facet, answer[facet.name], filters))}
    ${chips(SEX, sexes, filters, (v) => SEX_OF_VALUE[v], (v) => SEXES[SEX_OF_VALUE[v]])}
    ${ageRange(filters, change)}
    ${range("Study date", "date", ["from", "to"], filters, change, (v) => v || null)}`;
}
