// A view of one thing that is loaded: the way back above it, and below what was loaded, what failed, or that it is not there.

import { html } from "../vendor/lit-html/lit-html.js";
import { formatRoute } from "../router/routes.js";
import { failure, note, skeleton } from "./notes.js";

export const backLink = ({ results }) => html`<a class="back" href=${formatRoute(results)}>← Results</a>`;

/** `show(data)` gives the template of what was loaded, and nothing for what is not there. `name` says what that is. */
export function detailPage(state, slot, name, show) {
  return html`<div class="imageview" aria-busy=${slot?.status === "loading"}>${backLink(state)}${content(slot, name, show)}</div>`;
}

function content(slot, name, show) {
  if (slot?.status === "failed") return html`${hiddenHeading(name)}${failure(slot.error)}`;
  if (!slot?.data) return loadingPage(name);
  return show(slot.data) || html`${hiddenHeading(name)}${note(`No such ${name}`, "It is not in the index, or no longer.")}`;
}

const hiddenHeading = (name) => html`<h1 class="unseen" tabindex="-1">${name}</h1>`;

const loadingPage = (name) => html`
  ${hiddenHeading(name)}
  <div class="upper"><div class="lightbox ghost"></div><div class="sheets"><div class="panel">${skeleton.bars(9)}</div></div></div>`;
