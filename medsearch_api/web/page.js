// The whole page, as a template of the state.

import { html } from "./vendor/lit-html/lit-html.js";
import { keyed } from "./vendor/lit-html/directives/keyed.js";
import { compareScreen } from "./compare/compare.js";
import { imageView, reportView } from "./image/image.js";
import { searchView } from "./search/search.js";
import { liveMessage } from "./shell/live-region.js";
import { header } from "./shell/header.js";
import { helpDialog } from "./shell/help.js";
import { signInNotice } from "./shell/notes.js";
import { dropOverlay, uploadView } from "./upload/upload.js";

const VIEWS = { search: searchView, image: imageView, report: reportView, compare: compareScreen, upload: uploadView };
const TITLES = { image: "Image", report: "Report", compare: "Side by side", upload: "Search by file" };

/** The window's title. It stays in the browser's history, so it contains nothing about a patient. */
export const titleOf = ({ route }) => [TITLES[route.view], "medsearch"].filter(Boolean).join(" – ");

/** Identifies what keeps its place while details change: a view, or one image. */
export const viewOf = (route) => JSON.stringify([route.view, route.id, route.ids]);

export function page(state) {
  const isInside = ["open", "signed in"].includes(state.session.status);
  const { route, session } = state;
  return html`
    ${header(state)}
    <main id="view" tabindex="-1">
      ${isInside ? keyed(viewOf(route), VIEWS[route.view](state)) : html`<h1 class="unseen">medsearch</h1>${signInNotice(session)}`}
    </main>
    <p class="unseen" role="status">${liveMessage(state)}</p>
    ${helpDialog()}${dropOverlay(state)}`;
}
