// Two images side by side.

import { html } from "../vendor/lit-html/lit-html.js";
import { imagePlace, fragmentOf } from "../place/address.js";
import { loaded } from "../image/image.js";
import { stage } from "../image/stage.js";
import { person, shown } from "../words.js";

export const compareScreen = (state) => loaded(state, state.loads.compare, "image", ({ one, other }) => one && other && html`
  <h1 tabindex="-1">Side by side</h1>
  <div class="pair">${[one, other].map((image) => html`
    <section aria-label=${shown(image)}>
      <h2><a href=${fragmentOf(imagePlace(image.id))}>${shown(image)}</a> <span>${[person(image), image.studyDate].filter(Boolean).join(" · ")}</span></h2>
      ${stage(image, state.place)}
      <p class="impression">${image.report ? image.report.impression || image.report.findings || "" : "This study has no report."}</p>
    </section>`)}</div>`);
