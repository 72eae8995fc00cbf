// The view of one loaded object: a back link, and below it the object, an error, or a note that it does not exist.

import { html } from "../vendor/lit-html/lit-html.js";
import { formatRoute } from "../router/routes.js";
import { failure, note, skeleton } from "./notes.js";

export const backLink = ({ results }) => html`<a class="back" href=${formatRoute(results)}>← Results</a>`;

/** `show(data)` returns the object's template, or null if it does not exist. `name` is the kind of object. */
export function detailPage(state, slot, name, show) {
  return html`<div class="imageview" aria-busy=${slot?.status === "loading"}>${backLink(state)}${content(slot, name, show)}</div>`;
}

function content(slot, name, show) {
  if (slot?.status === "failed") return html`${hiddenHeading(name)}${failure(slot.error)}`;
  if (!slot?.data) return loadingPage(name);
  return show(slot.data) || html`${hiddenHeading(name)}${note(`No such ${name}`, "It is not in the index, or was removed from it.")}`;
}

const hiddenHeading = (name) => html`<h1 class="unseen" tabindex="-1">${name}</h1>`;

const loadingPage = (name) => html`
  ${hiddenHeading(name)}
  <div class="upper"><div class="lightbox ghost"></div><div class="sheets"><div class="panel">${skeleton.bars(9)}</div></div></div>`;
