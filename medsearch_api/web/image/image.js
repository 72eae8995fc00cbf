// The view of one image: the picture, its report, what that says, what is known of the image, and images like it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { findings } from "../report/findings.js";
import { reportPanel } from "../report/report.js";
import { fragmentOf } from "../place/address.js";
import { failure, note, skeleton } from "../shell/notes.js";
import { similarPanel } from "../similar/similar.js";
import { stances } from "../similar/filters.js";
import { headed, person } from "../words.js";
import { factsPanel } from "./facts.js";
import { siblings } from "./siblings.js";
import { stage } from "./stage.js";

export const backLink = ({ results }) => html`<a class="back" href=${fragmentOf(results)}>← Results</a>`;

/** A view that has a way back above what was loaded, what failed or what is not there. */
export function loaded(state, slot, name, show) {
  return html`<div class="imageview" aria-busy=${slot?.status === "loading"}>${backLink(state)}${content(slot, name, show)}</div>`;
}

function content(slot, name, show) {
  if (slot?.status === "failed") return html`${unnamed(name)}${failure(slot.error)}`;
  if (!slot?.data) return waiting(name);
  return show(slot.data) || html`${unnamed(name)}${note(`No such ${name}`, "It is not in the index, or no longer.")}`;
}

const unnamed = (name) => html`<h1 class="unseen" tabindex="-1">${name}</h1>`;

const waiting = (name) => html`${unnamed(name)}<div class="upper"><div class="lightbox ghost"></div><div class="sheets"><div class="panel">${skeleton.bars(9)}</div></div></div>`;

export const imageView = (state) => loaded(state, state.loads.image, "image", ({ image }) => image && opened(state, image));

function opened(state, image) {
  const { place } = state;
  const entities = image.report?.entities ?? [];
  const own = [...new Set(entities.map((e) => e.icd10cmCode).filter(Boolean))];
  return html`
    <h1 tabindex="-1">${headed(image)} <span>${[image.modality, person(image), image.studyDate].filter(Boolean).join(" · ")}</span></h1>
    <div class="upper">
      <div class="sheets">
        <figure>${stage(image, place.windowing)}${siblings(image, place, state.loads.study)}<figcaption>Not for diagnosis.</figcaption></figure>
        ${factsPanel(image)}
      </div>
      <div class="sheets">
        ${image.report ? html`${reportPanel(image.report)}${said(image.report, place)}` : html`<section class="panel report" aria-label="Report"><h2>Report</h2><p class="quiet">This study has no report.</p></section>`}
      </div>
    </div>
    ${similarPanel(state, image, own)}`;
}

/** What the report says; each finding with the buttons that filter the similar images by it. */
function said(report, { like }) {
  const extra = ({ icd10cmCode, concept }) => (icd10cmCode ? stances(like, icd10cmCode, `Similar images, ${concept}`) : nothing);
  return html`<section class="panel" aria-label="Findings"><h2>Findings</h2>${findings(report.entities, extra)}</section>`;
}

/** The view of a report that has no image. */
export const reportView = (state) => loaded(state, state.loads.report, "report", ({ report }) => report && html`
  <h1 tabindex="-1">Report <span>without an indexed image</span></h1>
  <div class="sheets alone">${reportPanel(report)}<section class="panel" aria-label="Findings"><h2>Findings</h2>${findings(report.entities)}</section></div>`);
