// Linked images side by side. The caller decides which ones.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ifDefined } from "../vendor/lit-html/directives/if-defined.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { distinct } from "../report/findings.js";
import { SIGNS, imageUrl, demographics, altText } from "../labels.js";
import { pixelSpacing, valuesUrl } from "./urls.js";
import "./frame-viewer.js";

const MAX_FINDINGS = 6;

/**
 * Two to four images, as returned by the GraphQL API.
 *
 * `options.swap()` is called by the button that swaps their order; without it there is no button.
 */
export function compareView(images, { swap = null } = {}) {
  const isOneModality = images.every((image) => image.modality && image.modality === images[0].modality);
  return html`
    <section class="compare" aria-label="Comparison" @viewchange=${follow("view", "move")} @windowchange=${follow("windowing", "window")}>
      <div class="comparebar">
        ${link("move", "Link pan and zoom", true, align("view"))}
        ${isOneModality ? link("window", "Link windows", false, align("windowing")) : nothing}
        ${swap ? html`<button class="button" type="button" @click=${swap}>Swap</button>` : nothing}
      </div>
      <div class="compared" data-count=${images.length}>${repeat(images, (image) => image.id, side)}</div>
    </section>
  `;
}

const link = (name, text, isOn, changed) => html`
  <label class="switch"><input type="checkbox" role="switch" name=${name} ?checked=${isOn} @change=${changed} /><span>${text}</span></label>
`;

function side(image) {
  return html`
    <figure>
      <frame-viewer
        src=${image.frameUrl}
        values=${ifDefined(valuesUrl(image) ?? undefined)}
        thumbnail=${image.thumbnailUrl}
        label=${[altText(image), image.studyDate].filter(Boolean).join(", ")}
        spacing=${ifDefined(pixelSpacing(image) ?? undefined)}
        ?overlays=${image.detail?.hasOverlay ?? false}
      ></frame-viewer>
      <figcaption>
        <p class="facts">
          <a href=${imageUrl(image.id)}>${image.viewPosition ?? image.modality ?? "Image"}</a>
          ${[image.studyDate, demographics(image), image.patient].filter(Boolean).map((fact) => html`<span>${fact}</span>`)}
        </p>
        ${findings(image.report?.entities ?? [])}
      </figcaption>
    </figure>
  `;
}

/** The report's findings, each once, present ones first. */
function findings(entities) {
  const said = distinct(entities).filter(({ assertion }) => assertion.toLowerCase() in SIGNS);
  if (!said.length) return nothing;
  const more = said.length - MAX_FINDINGS;
  return html`
    <ul class="findings" aria-label="Report findings">
      ${said.slice(0, MAX_FINDINGS).map(finding)}
      ${more > 0 ? html`<li class="more">${more} more</li>` : nothing}
    </ul>
  `;
}

function finding({ concept, assertion }) {
  const tone = assertion.toLowerCase();
  return html`<li class=${tone} title=${`${concept}, ${tone}`}>${concept}<span class="unseen">, ${tone}</span></li>`;
}

const isOn = (section, name) => section.querySelector(`input[name="${name}"]`)?.checked ?? false;

/** Applies a user's change of one viewer to the others while they are linked. */
const follow = (property, name) => (event) => {
  if (isOn(event.currentTarget, name)) give(event.currentTarget, event.target, property);
};

/** Aligns all viewers with the first when they are linked. */
const align = (property) => (event) => {
  const section = event.target.closest(".compare");
  if (event.target.checked) give(section, section.querySelector("frame-viewer"), property);
};

function give(section, from, property) {
  for (const viewer of section.querySelectorAll("frame-viewer")) if (viewer !== from) viewer[property] = from[property];
}
