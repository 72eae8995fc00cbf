// What the reports found hold, counted: two bar charts of findings, and chips. Each is a switch of a filter.

import { h } from "./dom.js";
import { search } from "./state.js";
import { SEXES, SEX_OF_VALUE, brief } from "./words.js";

/** A bar chart of ICD-10-CM codes; pressing a bar asks for reports with it. */
function chart(title, name, counts, onToggle) {
  const most = Math.max(1, ...counts.map((c) => c.count));
  const bars = counts.map(({ value, label, count }) => {
    const bar = h("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${Math.max(2, (100 * count) / most)}%`;
    const properties = {
      class: "finding",
      type: "button",
      "aria-pressed": String(search.filters[name].includes(value)),
      title: `${value} ${label ?? ""}`.trim(),
      onclick: () => onToggle(name, value),
    };
    const text = h("span", { class: "label" }, brief(label ?? value));
    return h("li", {}, h("button", properties, text, h("span", { class: "count" }, String(count)), h("span", { class: "track" }, bar)));
  });
  const body = bars.length ? h("ul", { class: "bars" }, bars) : h("p", { class: "quiet" }, "None in these reports.");
  return h("section", { class: `chart ${name}` }, h("h2", {}, title), body);
}

function chips(title, name, counts, onToggle, valueOf = (v) => v, labelOf = (c) => brief(c.label ?? c.value)) {
  if (!counts.length) return null;
  const buttons = counts.map((c) => {
    const value = valueOf(c.value);
    const pressed = String(search.filters[name].includes(value));
    const properties = { class: "chip", type: "button", "aria-pressed": pressed, title: `${c.value} ${c.label ?? ""}`.trim(), onclick: () => onToggle(name, value) };
    return h("button", properties, labelOf(c), h("span", { class: "count" }, String(c.count)));
  });
  return h("section", { class: `chips ${name}` }, h("h2", {}, title), h("div", {}, buttons));
}

const SIGNS = { present: "+", absent: "−", uncertain: "?" };

/** The filters that are on, each a button that takes it off. `labels` names codes. */
export function switchedOn(labels, onToggle) {
  return Object.entries(search.filters).flatMap(([name, values]) =>
    values.map((value) => {
      const label = brief(labels.get(value) ?? SEXES[value] ?? value);
      const properties = { class: `tag on ${name}`, type: "button", "aria-label": `Take off the filter ${name}: ${label}`, onclick: () => onToggle(name, value) };
      return h("button", properties, SIGNS[name] ? h("span", {}, SIGNS[name]) : null, label, h("b", { "aria-hidden": "true" }, "×"));
    }),
  );
}

/** All facets of a search's answer. `onToggle(name, value)` is called when one is pressed. */
export function facets(answer, onToggle) {
  return [
    chart("Present", "present", answer.present, onToggle),
    chart("Absent", "absent", answer.absent, onToggle),
    chips("Uncertain", "uncertain", answer.uncertain, onToggle),
    chips("View", "views", answer.views, onToggle),
    chips("Sex", "sexes", answer.sexes, onToggle, (v) => SEX_OF_VALUE[v], (c) => SEXES[SEX_OF_VALUE[c.value]] ?? c.value),
  ].filter(Boolean);
}
