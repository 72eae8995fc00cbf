// The page's start: which view the address asks for, and the search box above all of them.

import { ask } from "./api.js";
import { plural } from "./dom.js";
import { imageView, reportView } from "./image.js";
import { listen } from "./keys.js";
import { HOLDINGS } from "./queries.js";
import { refresh, searchView } from "./search.js";
import { search } from "./state.js";

const DEBOUNCE_MS = 250;
const view = document.getElementById("view");
const words = document.getElementById("words");
let scrolled = 0;
let left = null;
let turn = 0;

/** Shows what the address names: an image, a report, or else the search. */
async function route() {
  const mine = ++turn;
  const [, kind, id] = /^#\/(image|report)\/(.+)$/.exec(location.hash) ?? [];
  if (!kind) {
    view.replaceChildren(searchView());
    window.scrollTo(0, scrolled);
    left?.focus({ preventScroll: true });
    return;
  }
  const shown = await (kind === "image" ? imageView : reportView)(decodeURIComponent(id));
  if (mine !== turn) return;
  view.replaceChildren(shown);
  window.scrollTo(0, 0);
  view.focus({ preventScroll: true });
}

const isSearching = () => !/^#\/(image|report)\//.test(location.hash);
const toSearch = () => (isSearching() ? refresh() : (location.hash = "#/", refresh()));

let waiting = 0;
words.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    search.query = words.value;
    search.offset = 0;
    toSearch();
  }, DEBOUNCE_MS);
});
words.form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  search.query = words.value;
  search.offset = 0;
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
window.addEventListener("hashchange", route);
route();

ask(HOLDINGS).then(
  ({ index }) => (document.getElementById("holdings").textContent = `${plural(index.images, "image")} · ${plural(index.reports, "report")}`),
  () => {},
);
