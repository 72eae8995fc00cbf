// The page's start: which view the address asks for, and the search box above all of them.

import { ask } from "./api.js";
import { plural } from "./dom.js";
import { imageView, reportView } from "./image.js";
import { listen } from "./keys.js";
import { HOLDINGS } from "./queries.js";
import { refresh, searchView } from "./search.js";
import { welcome } from "./session.js";
import { search } from "./state.js";

const DEBOUNCE_MS = 250;
const view = document.getElementById("view");
const words = document.getElementById("words");
let scrolled = 0;
let left = null;
let turn = 0;
let waiting = null;
let isStale = false;

/** Shows what the address names: an image, a report, or else the search. */
async function route() {
  const mine = ++turn;
  const [, kind, id] = /^#\/(image|report)\/(.+)$/.exec(location.hash) ?? [];
  if (!kind) {
    view.replaceChildren(searchView());
    if (isStale) refresh();
    isStale = false;
    window.scrollTo(0, scrolled);
    left?.focus({ preventScroll: true });
    return;
  }
  if (waiting) {
    // an image was opened before the words were searched for: it stays, and the search waits for the way back
    clearTimeout(waiting);
    waiting = null;
    isStale = true;
  }
  const shown = await (kind === "image" ? imageView : reportView)(decoded(id));
  if (mine !== turn) return;
  view.replaceChildren(shown);
  window.scrollTo(0, 0);
  view.focus({ preventScroll: true });
}

/** An id out of the address, which anybody may have typed. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const isSearching = () => !/^#\/(image|report)\//.test(location.hash);

function takeWords() {
  clearTimeout(waiting);
  search.query = words.value;
  search.cursors = [];
}

function toSearch() {
  waiting = null;
  if (!isSearching()) location.hash = "#/";
  refresh();
}

words.addEventListener("input", () => {
  takeWords();
  waiting = setTimeout(toSearch, DEBOUNCE_MS);
});
words.form.addEventListener("submit", (event) => {
  event.preventDefault();
  takeWords();
  toSearch();
});
view.addEventListener("click", (event) => {
  if (isSearching() && event.target.closest("a")) {
    scrolled = window.scrollY;
    left = event.target.closest("a");
  }
});
listen(words, () => {
  if (!isSearching()) location.hash = "#/";
});
if (await welcome(view)) {
  window.addEventListener("hashchange", route);
  route();
  ask(HOLDINGS).then(
    ({ index }) => (document.getElementById("holdings").textContent = `${plural(index.images, "image")} · ${plural(index.reports, "report")}`),
    () => {},
  );
} else words.disabled = true;
