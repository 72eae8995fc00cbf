// The header of every view: home link, search box, search by file, theme, keyboard shortcuts, and signed-in user.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { help, toggleTheme, searchNow, type } from "../actions.js";
import { formatRoute, searchRoute, uploadRoute } from "../router/routes.js";
import { signOut } from "../session.js";
import { plural } from "../labels.js";
import { file, keyboard, moon, sun } from "./icons.js";
import { button } from "./notes.js";

const icon = new URL("../icon.svg", import.meta.url).href;

const isInside = ({ session }) => ["open", "signed in"].includes(session.status);

export function header(state) {
  const held = state.loads.holdings?.data?.index;
  return html`
    <a class="skip" href="#view" @click=${focusView}>Skip to results</a>
    <header class="top">
      <a class="brand" href=${formatRoute(searchRoute())} aria-label="medsearch, new search">
        <img src=${icon} alt="" width="26" height="26"><span>medsearch</span>
      </a>
      ${words(state)}
      <p class="holdings" id="holdings">${held ? `${plural(held.images, "image")} · ${plural(held.reports, "report")}` : nothing}</p>
      <div class="tools">
        ${isInside(state) ? fileLink : nothing}
        <button class="tool" type="button" @click=${toggleTheme} aria-label=${other(state.theme)} title=${other(state.theme)}>
          ${state.theme === "dark" ? sun : moon}
        </button>
        <button class="tool keys" type="button" @click=${help} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">${keyboard}</button>
      </div>
      ${["signed in", "no role"].includes(state.session.status) ? account(state.session) : nothing}
    </header>
    ${state.isOnline ? nothing : html`<p class="banner">You are offline. Results may be out of date.</p>`}`;
}

const fileLink = html`
  <a class="tool" href=${formatRoute(uploadRoute())} aria-label="Search by file" title="Search by file">${file}</a>`;

const account = ({ name }) => html`<div class="account">${button("Sign out", signOut, name ? `Signed in as ${name}` : nothing)}</div>`;

const other = (theme) => (theme === "dark" ? "Light theme" : "Dark theme");

function words(state) {
  return html`
    <form class="search" role="search" autocomplete="off" @submit=${submit}>
      <label for="words" class="unseen">Search reports</label>
      <input id="words" type="search" placeholder="Search findings and impressions" maxlength="1000" spellcheck="false" autocomplete="off"
        enterkeyhint="search" .value=${live(state.draft)} ?disabled=${!isInside(state)} @input=${(event) => type(event.target.value)}>
      <kbd aria-hidden="true">/</kbd>
    </form>`;
}

function submit(event) {
  event.preventDefault();
  searchNow();
}

/** Moves the focus past the header without changing the URL. */
function focusView(event) {
  event.preventDefault();
  document.getElementById("view").focus();
}
