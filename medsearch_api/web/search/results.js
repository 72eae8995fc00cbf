// Reports found, as rows or as a grid of their images.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { go } from "../place/visits.js";
import { fragmentOf, imagePlace, reportPlace } from "../place/address.js";
import { findings } from "../report/findings.js";
import { highlighted } from "../report/report.js";
import { picture } from "../shell/pictures.js";
import { failure, skeleton } from "../shell/notes.js";
import { SIGNS, absent, brief, person, present } from "../words.js";

const SHOWN_IMAGES = 2;
const SHOWN_TAGS = 5;

const linked = (image, className) => html`
  <a class=${className} href=${fragmentOf(imagePlace(image.id))} data-step data-key=${image.id}>
    ${picture(image)}${image.viewPosition ? html`<span class="view">${image.viewPosition}</span>` : nothing}
  </a>`;

function tags(kind, texts) {
  return texts.slice(0, SHOWN_TAGS).map((text) => html`
    <li class="tag ${kind}"><span aria-hidden="true">${SIGNS[kind]}</span><span class="unseen">${kind} </span>${text}</li>`);
}

function pictures(images) {
  if (!images.length) return html`<span class="thumbnail missing none">no image</span>`;
  const more = images.length - SHOWN_IMAGES;
  return html`
    ${images.slice(0, SHOWN_IMAGES).map((i) => linked(i, "thumbnail"))}
    ${more > 0 ? html`<span class="more" title="More images">+${more}</span>` : nothing}`;
}

/** The impression, or else the findings, with the words that were searched for apart. */
function told(report) {
  if (report.impression) return highlighted(report.impression, report.inImpression);
  if (report.findings) return highlighted(report.findings, report.inFindings);
  return "A report without findings and impression";
}

function row(report, { place: searched, labels, loads }) {
  const images = report.images.nodes.filter((i) => i.isRepresentative);
  const [first] = images;
  const modalities = [...new Set(images.map((i) => i.modality).filter(Boolean))].join(", ");
  const facts = first ? [person(first), first.studyDate, modalities].filter(Boolean) : ["no indexed image"];
  const unsure = report.uncertainCodes.map((code) => brief(labels.get(code) ?? code).toLowerCase());
  const said = [["present", present(report)], ["uncertain", unsure], ["absent", absent(report)]];
  const hidden = said.reduce((sum, [, texts]) => sum + Math.max(0, texts.length - SHOWN_TAGS), 0);
  const place = first ? imagePlace(first.id) : reportPlace(report.id);
  const isOpen = searched.open === report.id;
  const toggle = () => go({ ...searched, open: isOpen ? null : report.id }, { replace: true });
  return html`
    <li class="row ${isOpen ? "selected" : ""}">
      <div class="pictures">${pictures(images)}</div>
      <div class="words">
        <p class="facts">${facts.map((fact) => html`<span>${fact}</span>`)}</p>
        <a class="impression" href=${fragmentOf(place)} data-key=${`report ${report.id}`}>${told(report)}</a>
        <ul class="tags">
          ${said.map(([kind, texts]) => tags(kind, texts))}
          <li><button class="tag all" type="button" aria-expanded=${isOpen} @click=${toggle}>${hidden ? `${hidden} more` : "Findings"}</button></li>
        </ul>
        ${isOpen ? opened(loads.open) : nothing}
      </div>
    </li>`;
}

function opened(slot) {
  if (slot?.status === "failed") return failure(slot.error);
  if (!slot?.data) return html`<div class="opened" aria-busy="true">${skeleton.bars(3)}</div>`;
  return html`<div class="opened">${findings(slot.data.report?.entities)}</div>`;
}

export const rows = (reports, state) => html`<ol class="rows">${repeat(reports, (r) => r.id, (r) => row(r, state))}</ol>`;

export function grid(reports) {
  const images = reports.flatMap((report) => report.images.nodes.filter((i) => i.isRepresentative));
  return html`<ul class="grid">${repeat(images, (i) => i.id, (i) => html`<li>${linked(i, "tile")}</li>`)}</ul>`;
}
