// A report with its mentions marked by what is asserted of them.

import { h } from "./dom.js";

const MARKED = { PRESENT: "Present", ABSENT: "Absent", UNCERTAIN: "Uncertain", HYPOTHETICAL: "Hypothetical", HISTORICAL: "Historical", FAMILY: "Family" };
const HEADER = /^[ \t]*[A-Z][A-Z /]{2,}:/gm;

/** Text with section headers set apart. */
function plain(text) {
  const pieces = [];
  let at = 0;
  for (const match of text.matchAll(HEADER)) {
    pieces.push(text.slice(at, match.index), h("strong", {}, match[0]));
    at = match.index + match[0].length;
  }
  return [...pieces, text.slice(at)];
}

function mark(entity) {
  const code = [entity.icd10cmCode, entity.icd10cmDescription].filter(Boolean).join(" ");
  const cue = entity.cue ? `“${entity.cue}”` : null;
  const title = [MARKED[entity.assertion], cue, code].filter(Boolean).join(" · ");
  return h("mark", { class: entity.assertion.toLowerCase(), title, tabindex: "0", "aria-label": `${entity.text}: ${title}` }, entity.text);
}

/** The text's pieces. Offsets count code points, not JavaScript's UTF-16 units; a mention that is not at its place is left out. */
export function marked(text, entities) {
  const letters = Array.from(text);
  const pieces = [];
  let at = 0;
  for (const entity of entities) {
    if (entity.begin < at || letters.slice(entity.begin, entity.end).join("") !== entity.text) continue;
    pieces.push(...plain(letters.slice(at, entity.begin).join("")), mark(entity));
    at = entity.end;
  }
  return [...pieces, ...plain(letters.slice(at).join(""))];
}

export function reportPanel(report) {
  const entities = report.entities ?? [];
  const used = Object.keys(MARKED).filter((a) => entities.some((e) => e.assertion === a));
  const legend = used.map((a) => h("li", {}, h("mark", { class: a.toLowerCase() }, MARKED[a])));
  return h(
    "section",
    { class: "panel report", "aria-label": "Report" },
    h("h2", {}, "Report"),
    legend.length ? h("ul", { class: "legend", "aria-label": "Colours" }, legend) : null,
    report.entities ? null : h("p", { class: "quiet" }, "The report is being read again, so its findings are not marked."),
    h("p", { class: "text" }, marked(report.text.trimEnd(), entities)),
    h("p", { class: "source" }, [report.provenance.sourceKey, `read by ${report.provenance.nerVersion}`].filter(Boolean).join(" · ")),
  );
}
