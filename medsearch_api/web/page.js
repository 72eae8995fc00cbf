// The whole page as a template of its state.

import { html } from "./vendor/lit-html/lit-html.js";
import { keyed } from "./vendor/lit-html/directives/keyed.js";
import { compareScreen } from "./compare/compare.js";
import { imageView, reportView } from "./image/image.js";
import { searchView } from "./search/search.js";
import { announced } from "./shell/announced.js";
import { header } from "./shell/header.js";
import { helpDialog } from "./shell/help.js";
import { outside } from "./shell/notes.js";
import { dropTarget, uploadView } from "./upload/upload.js";

const VIEWS = { search: searchView, image: imageView, report: reportView, compare: compareScreen, upload: uploadView };
const TITLES = { image: "Image", report: "Report", compare: "Side by side", upload: "Search with a file" };

/** What the window is called. It stays in the browser's history, so it says nothing of a patient. */
export const titleOf = ({ place }) => [TITLES[place.view], "medsearch"].filter(Boolean).join(" – ");

/** What stays in place while its details change: a view, or one image. */
export const viewOf = (place) => JSON.stringify([place.view, place.id, place.ids]);

export function page(state) {
  const isInside = ["open", "signed in"].includes(state.session.status);
  const { place, session } = state;
  return html`
    ${header(state)}
    <main id="view" tabindex="-1">
      ${isInside ? keyed(viewOf(place), VIEWS[place.view](state)) : html`<h1 class="unseen">medsearch</h1>${outside(session)}`}
    </main>
    <p class="unseen" role="status">${announced(state)}</p>
    ${helpDialog()}${dropTarget(state)}`;
}
