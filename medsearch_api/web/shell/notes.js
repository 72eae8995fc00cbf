// What stands where a result would: a message, a failure with a way on, and the shape of what is being loaded.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { retryView } from "../actions.js";
import { signIn } from "../session.js";

export const button = (text, onClick, title = nothing) => html`
  <button class="button" type="button" title=${title} @click=${onClick}>${text}</button>`;

export const note = (title, detail, action = nothing) => html`<div class="note"><h2>${title}</h2><p>${detail}</p>${action}</div>`;

/** A failure, and a way to try again. */
export function failure(error, retry = retryView) {
  const isOver = error.code === "UNAUTHENTICATED";
  const action = isOver ? button("Sign in", () => location.reload()) : button("Try again", retry);
  return html`<div class="note" role="alert"><h2>That did not work</h2><p>${error.message}</p>${action}</div>`;
}

/** What stands in the view while nobody may ask. */
export function signInNotice({ status, error }) {
  if (status === "asking") return nothing;
  if (status === "failed") return failure(error, () => location.reload());
  if (status === "no role") return note("No access", "This account has no role here. Ask whoever runs this service.");
  return note("Sign in to search", "Images and reports of patients are shown to signed-in users.", button("Sign in", signIn));
}

const times = (count, piece) => Array.from({ length: count }, () => piece);

const ghostRow = html`
  <div class="row">
    <div class="pictures"><span class="thumbnail ghost"></span><span class="thumbnail ghost"></span></div>
    <div class="words"><span class="ghost line short"></span><span class="ghost line"></span><span class="ghost line half"></span></div>
  </div>`;

/** The shapes of rows, tiles, bars or lines that are on their way. */
export const skeleton = {
  rows: (count) => html`<div class="rows" aria-hidden="true">${times(count, ghostRow)}</div>`,
  tiles: (count) => html`<div class="grid" aria-hidden="true">${times(count, html`<span class="tile ghost"></span>`)}</div>`,
  bars: (count) => html`<div aria-hidden="true">${times(count, html`<span class="ghost line"></span>`)}</div>`,
};
