// A report with its mentions marked by assertion, and search words highlighted.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ASSERTIONS, asserted, notRead } from "../labels.js";
import { joinLines } from "./lines.js";
import { markText, markTerms } from "./marked-text.js";

const term = (run) => (run.isTerm ? html`<em class="term">${run.text}</em>` : run.text);

/** A text with its search words highlighted. */
export const highlighted = (text, matches) => markTerms(text, matches ?? []).map(term);

/** A mention's assertion, the words that decided it, and its code. */
export function about(entity) {
  const code = [entity.icd10cmCode, entity.icd10cmDescription].filter(Boolean).join(" ");
  return [asserted(entity), entity.cue && `“${entity.cue}”`, code].filter(Boolean).join(" · ");
}

function piece(node) {
  if (!node.entity) return node.isHeader ? html`<strong>${term(node)}</strong>` : term(node);
  const { entity } = node;
  const said = about(entity);
  return html`<mark class=${entity.assertion.toLowerCase()} tabindex="0" aria-description=${said} data-about=${said}>${node.pieces.map(piece)}</mark>`;
}

function legend(entities) {
  const used = Object.keys(ASSERTIONS).filter((a) => entities.some((e) => e.assertion === a));
  if (!used.length) return nothing;
  return html`<ul class="legend" aria-label="Color legend">${used.map((a) => html`<li class="tag ${a.toLowerCase()}">${ASSERTIONS[a]}</li>`)}</ul>`;
}

export function reportPanel(report) {
  const entities = report.entities ?? [];
  const source = [report.provenance.sourceKey, `findings extracted by ${report.provenance.nerVersion}`].filter(Boolean).join(" · ");
  return html`
    <section class="panel report" aria-label="Report">
      <div class="titlebar"><h2>Report</h2>${legend(entities)}</div>
      ${report.reading?.notRead ? html`<p class="notread" role="note">${notRead(report.reading.notRead)}</p>` : nothing}
      ${report.entities ? nothing : html`<p class="quiet">Findings are being re-extracted and are not highlighted yet.</p>`}
      <p class="text">${markText(report.text.trimEnd(), entities, report.matches ?? [], joinLines(report.text.trimEnd())).map(piece)}</p>
      <p class="source">${source}</p>
    </section>`;
}
