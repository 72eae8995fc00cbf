// The browser's history: navigating to routes, and restoring the position when returning to them.

import { formatRoute, parseRoute } from "./routes.js";

const left = new Map();
let visit = 0;
let newest = 0;
let fragment = null;
let arrive = null;

/** Calls `onArrival(route, {isReturning, left})` for the current route and for every later one. */
export function begin(onArrival) {
  arrive = onArrival;
  history.scrollRestoration = "manual";
  window.addEventListener("popstate", () => location.hash !== fragment && come(history.state?.visit));
  come(history.state?.visit);
}

/** Navigates to a route, as a new history entry or replacing the current one. */
export function go(route, { replace = false } = {}) {
  const next = formatRoute(route);
  if (next === fragment) return;
  leave();
  if (replace) history.replaceState({ visit }, "", next);
  else {
    visit = ++newest;
    history.pushState({ visit }, "", next);
  }
  fragment = next;
  arrive(parseRoute(next), { isReturning: false, left: null });
}

function leave() {
  left.set(visit, { scroll: window.scrollY, key: document.activeElement?.closest?.("[data-key]")?.dataset.key });
}

/** Handles the browser's own navigation: a link to a new visit, or back or forward to an earlier one. */
function come(known) {
  if (fragment !== null) leave();
  fragment = location.hash;
  visit = known ?? ++newest;
  newest = Math.max(newest, visit);
  if (known === undefined) history.replaceState({ visit }, "");
  arrive(parseRoute(fragment), { isReturning: known !== undefined, left: left.get(visit) ?? null });
}
