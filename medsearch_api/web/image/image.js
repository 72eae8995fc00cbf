// The view of one image: the image, its report and findings, its attributes, and similar images.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { findings } from "../report/findings.js";
import { reportPanel } from "../report/report.js";
import { detailPage } from "../shell/detail-page.js";
import { similarPanel } from "../similar/similar.js";
import { stances } from "../similar/filters.js";
import { headingFacts, headingFor } from "../labels.js";
import { factsPanel } from "./facts.js";
import { siblings } from "./siblings.js";
import { stage } from "./stage.js";

export const imageView = (state) => detailPage(state, state.loads.image, "image", ({ image }) => image && opened(state, image));

function opened(state, image) {
  const { route } = state;
  const entities = image.report?.entities ?? [];
  const own = [...new Set(entities.map((e) => e.icd10cmCode).filter(Boolean))];
  return html`
    <h1 tabindex="-1">${headingFor(image)} <span>${headingFacts(image).map((fact, i) => html`${i ? " · " : ""}<b>${fact}</b>`)}</span></h1>
    <div class="upper">
      <div class="sheets">
        <figure>${stage(image, route.windowing)}${siblings(image, route, state.loads.study)}<figcaption>Not for diagnosis.</figcaption></figure>
        ${factsPanel(image)}
      </div>
      <div class="sheets">
        ${image.report ? html`${reportPanel(image.report)}${said(image.report, route)}` : noReport}
      </div>
    </div>
    ${similarPanel(state, image, own)}`;
}

const noReport = html`
  <section class="panel report" aria-label="Report"><h2>Report</h2><p class="quiet">This study has no report.</p></section>`;

/** The report's findings, each with buttons that filter the similar images by it. */
function said(report, { like }) {
  const extra = ({ icd10cmCode, concept }) => (icd10cmCode ? stances(like, icd10cmCode, `Similar images, ${concept}`) : nothing);
  return html`
    <section class="panel" aria-label="Findings">
      <div class="titlebar"><h2>Findings</h2><span class="quiet">Filter the similar images below by finding</span></div>${findings(report, extra)}
    </section>`;
}

/** The view of a report without images. */
export const reportView = (state) => detailPage(state, state.loads.report, "report", ({ report }) => report && html`
  <h1 tabindex="-1">Report <span>without an indexed image</span></h1>
  <div class="sheets alone">
    ${reportPanel(report)}
    <section class="panel" aria-label="Findings"><h2>Findings</h2>${findings(report)}</section>
  </div>`);
