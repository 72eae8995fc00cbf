// The active filters, each a button that removes it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { activeFilters } from "../router/filters.js";
import { FILTERS, SEXES, SIGNS, shorten } from "../labels.js";

const valueOf = (name, value, labels) => shorten(labels.get(value) ?? SEXES[value] ?? String(value));

/** `onChange` is called with the filters that remain after removing one. */
export function filterTags(filters, labels, onChange) {
  return activeFilters(filters).map(({ name, value, without }) => {
    const label = valueOf(name, value, labels);
    const sign = name === "without" ? "≠" : SIGNS[name];
    return html`
      <button class="tag on ${name}" type="button" title="Remove filter" aria-label=${`Remove filter ${FILTERS[name]}: ${label}`}
        @click=${() => onChange(without)}>
        <span class=${sign ? nothing : "of"} aria-hidden="true">${sign ?? FILTERS[name]}</span>${label}<b aria-hidden="true">×</b>
      </button>`;
  });
}

export const clearLink = (isOn, onClear) => (isOn ? html`<button class="link" type="button" @click=${onClear}>Clear</button>` : nothing);
