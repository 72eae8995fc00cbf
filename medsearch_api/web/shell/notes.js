// What is displayed instead of results: notes, errors with a way to retry, and placeholders while loading.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { retryView } from "../actions.js";
import { signIn } from "../session.js";

export const button = (text, onClick, title = nothing) => html`
  <button class="button" type="button" title=${title} @click=${onClick}>${text}</button>`;

export const note = (title, detail, action = nothing) => html`<div class="note"><h2>${title}</h2><p>${detail}</p>${action}</div>`;

/** An error, with a button to retry. */
export function failure(error, retry = retryView) {
  const isOver = error.code === "UNAUTHENTICATED";
  const action = isOver ? button("Sign in", () => location.reload()) : button("Try again", retry);
  return html`<div class="note" role="alert"><h2>Something went wrong</h2><p>${error.message}</p>${action}</div>`;
}

/** The notice while the user may not search. */
export function signInNotice({ status, error }) {
  if (status === "asking") return nothing;
  if (status === "failed") return failure(error, () => location.reload());
  if (status === "no role") return note("No access", "This account has no role in medsearch. Ask your administrator for access.");
  return note("Sign in to search", "Only signed-in users can see images and reports of patients.", button("Sign in", signIn));
}

const times = (count, piece) => Array.from({ length: count }, () => piece);

const ghostRow = html`
  <div class="row">
    <div class="pictures"><span class="thumbnail ghost"></span><span class="thumbnail ghost"></span></div>
    <div class="words"><span class="ghost line short"></span><span class="ghost line"></span><span class="ghost line half"></span></div>
  </div>`;

/** Placeholders for rows, tiles and bars that are loading. */
export const skeleton = {
  rows: (count) => html`<div class="rows" aria-hidden="true">${times(count, ghostRow)}</div>`,
  tiles: (count) => html`<div class="grid" aria-hidden="true">${times(count, html`<span class="tile ghost"></span>`)}</div>`,
  bars: (count) => html`<div aria-hidden="true">${times(count, html`<span class="ghost line"></span>`)}</div>`,
};
