// Entry point: renders the page after every state change, and loads the data of the current route.

import { stopTyping } from "./actions.js";
import { listenForKeys } from "./keys.js";
import { loadView } from "./view-queries.js";
import { page, titleOf, viewOf } from "./page.js";
import { parseRoute } from "./router/routes.js";
import { begin } from "./router/history.js";
import { loadSession } from "./session.js";
import { preserveFocus } from "./shell/focus.js";
import { closePopoversOnOutsideClick } from "./shell/popovers.js";
import { change, onChange, state } from "./state.js";
import { begin as beginTheme } from "./theme.js";
import { listenForFiles } from "./upload/drag-and-drop.js";
import { render } from "./vendor/lit-html/lit-html.js";

const wide = window.matchMedia("(min-width: 900px)");
const root = document.getElementById("page");
let isFirst = true;

/** Shows a route, and restores its scroll position and focus, or starts at the top. */
function arrive(route, { isReturning, left }) {
  stopTyping();
  const isSameView = viewOf(route) === viewOf(state.route);
  const isOtherPage = isSameView && route.cursors?.length !== state.route.cursors?.length;
  change({ route, ...(route.view === "search" ? { results: route, draft: route.words } : {}) });
  loadView(route, isReturning);
  queueMicrotask(() => {
    if (left) window.scrollTo(0, left.scroll);
    else if (!isSameView || isOtherPage) window.scrollTo(0, 0);
    if (isSameView || isFirst) return;
    const before = left?.key && document.querySelector(`[data-key="${CSS.escape(left.key)}"]`);
    (before || document.querySelector("main h1"))?.focus({ preventScroll: true });
  });
}

onChange((now) => {
  document.title = titleOf(now);
  preserveFocus(() => render(page(now), root));
});
change({ theme: beginTheme((theme) => change({ theme })), isWide: wide.matches });
wide.addEventListener("change", () => change({ isWide: wide.matches }));
listenForKeys();
closePopoversOnOutsideClick();
if (await loadSession()) {
  window.addEventListener("online", () => (change({ isOnline: true }), loadView(state.route)));
  window.addEventListener("offline", () => change({ isOnline: false }));
  if (parseRoute(location.hash).view === "upload") change({ upload: { status: "none", isLost: true } });
  begin(arrive);
  isFirst = false;
  listenForFiles();
}
