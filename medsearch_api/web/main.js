// The page's start: it is rendered after every change of the state, and loads what the place of the address needs.

import { stopTyping } from "./actions.js";
import { listenForKeys } from "./keys.js";
import { fetchFor } from "./needs.js";
import { page, titleOf, viewOf } from "./page.js";
import { placeOf } from "./place/address.js";
import { begin } from "./place/visits.js";
import { welcome } from "./session.js";
import { keepingFocus } from "./shell/focus.js";
import { closeSheetsFromBeside } from "./shell/sheets.js";
import { change, onChange, state } from "./state.js";
import { begin as beginTheme } from "./theme.js";
import { listenForFiles } from "./upload/dropping.js";
import { render } from "./vendor/lit-html/lit-html.js";

const wide = window.matchMedia("(min-width: 900px)");
const root = document.getElementById("page");
let isFirst = true;

/** Shows a place, and puts scroll and focus where they were on it, or at its beginning. */
function arrive(place, { isReturning, left }) {
  stopTyping();
  const isSameView = viewOf(place) === viewOf(state.place);
  const isTurned = isSameView && place.cursors?.length !== state.place.cursors?.length;
  change({ place, ...(place.view === "search" ? { results: place, draft: place.words } : {}) });
  fetchFor(place, isReturning);
  queueMicrotask(() => {
    if (left) window.scrollTo(0, left.scroll);
    else if (!isSameView || isTurned) window.scrollTo(0, 0);
    if (isSameView || isFirst) return;
    const before = left?.key && document.querySelector(`[data-key="${CSS.escape(left.key)}"]`);
    (before || document.querySelector("main h1"))?.focus({ preventScroll: true });
  });
}

onChange((now) => {
  document.title = titleOf(now);
  keepingFocus(() => render(page(now), root));
});
change({ theme: beginTheme((theme) => change({ theme })), isWide: wide.matches });
wide.addEventListener("change", () => change({ isWide: wide.matches }));
listenForKeys();
closeSheetsFromBeside();
if (await welcome()) {
  window.addEventListener("online", () => (change({ isOnline: true }), fetchFor(state.place)));
  window.addEventListener("offline", () => change({ isOnline: false }));
  if (placeOf(location.hash).view === "upload") change({ upload: { status: "none", isLost: true } });
  begin(arrive);
  isFirst = false;
  listenForFiles();
}
