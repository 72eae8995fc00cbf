// Matching reports, as rows or as a grid of their images.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { go } from "../router/history.js";
import { formatRoute, imageRoute, reportRoute } from "../router/routes.js";
import { findings } from "../report/findings.js";
import { highlighted } from "../report/report.js";
import { thumbnail } from "../shell/thumbnails.js";
import { failure, skeleton } from "../shell/notes.js";
import { SIGNS, absentFindings, shorten, demographics, presentFindings } from "../labels.js";

const SHOWN_IMAGES = 2;
const SHOWN_TAGS = 5;

const linked = (image, className) => html`
  <a class=${className} href=${formatRoute(imageRoute(image.id))} data-step data-key=${image.id}>
    ${thumbnail(image)}${image.viewPosition ? html`<span class="view">${image.viewPosition}</span>` : nothing}
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

/** The impression, or else the findings, with the search words highlighted. */
function excerpt(report) {
  if (report.impression) return highlighted(report.impression, report.inImpression);
  if (report.findings) return highlighted(report.findings, report.inFindings);
  return "No findings or impression section";
}

function row(report, { route: searched, labels, loads }) {
  const images = report.images.nodes.filter((i) => i.isRepresentative);
  const [first] = images;
  const modalities = [...new Set(images.map((i) => i.modality).filter(Boolean))].join(", ");
  const facts = first ? [demographics(first), first.studyDate, modalities].filter(Boolean) : ["no indexed image"];
  const unsure = report.uncertainCodes.map((code) => shorten(labels.get(code) ?? code).toLowerCase());
  const said = [["present", presentFindings(report)], ["uncertain", unsure], ["absent", absentFindings(report)]];
  const hidden = said.reduce((sum, [, texts]) => sum + Math.max(0, texts.length - SHOWN_TAGS), 0);
  const route = first ? imageRoute(first.id) : reportRoute(report.id);
  const isOpen = searched.open === report.id;
  const toggle = () => go({ ...searched, open: isOpen ? null : report.id }, { replace: true });
  return html`
    <li class="row ${isOpen ? "selected" : ""}">
      <div class="pictures">${pictures(images)}</div>
      <div class="words">
        <p class="facts">${facts.map((fact) => html`<span>${fact}</span>`)}</p>
        <a class="impression" href=${formatRoute(route)} data-key=${`report ${report.id}`}>${excerpt(report)}</a>
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
  return html`<div class="opened">${findings(slot.data.report)}</div>`;
}

export const rows = (reports, state) => html`<ol class="rows">${repeat(reports, (r) => r.id, (r) => row(r, state))}</ol>`;

export function grid(reports) {
  const images = reports.flatMap((report) => report.images.nodes.filter((i) => i.isRepresentative));
  return html`<ul class="grid">${repeat(images, (i) => i.id, (i) => html`<li>${linked(i, "tile")}</li>`)}</ul>`;
}
