// The browser's history: going to places, and coming back to where one was on them.

import { formatRoute, parseRoute } from "./routes.js";

const left = new Map();
let visit = 0;
let newest = 0;
let fragment = null;
let arrive = null;

/** Has `onArrival(place, {isReturning, left})` called for the place of the address now, and for every other to come. */
export function begin(onArrival) {
  arrive = onArrival;
  history.scrollRestoration = "manual";
  window.addEventListener("popstate", () => location.hash !== fragment && come(history.state?.visit));
  come(history.state?.visit);
}

/** Goes to a place: a step in the history, or in the stead of the present one. */
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

/** A step of the browser's own: along a link to a new visit, or back or forward to one that was before. */
function come(known) {
  if (fragment !== null) leave();
  fragment = location.hash;
  visit = known ?? ++newest;
  newest = Math.max(newest, visit);
  if (known === undefined) history.replaceState({ visit }, "");
  arrive(parseRoute(fragment), { isReturning: known !== undefined, left: left.get(visit) ?? null });
}
