// The search view: facets beside results. Every change asks again, and only the last answer is shown.

import { ask } from "./api.js";
import { failure, h, note, plural } from "./dom.js";
import { facets, switchedOn } from "./facets.js";
import { SEARCH } from "./queries.js";
import { grid, rows } from "./results.js";
import { PAGE, clearFilters, hasFilters, search, toggle, variables } from "./state.js";

const side = h("div", { class: "facets" });
const labels = new Map();
const drawer = h("details", { class: "side" }, h("summary", {}, "Findings and filters"), side);
const bar = h("div", { class: "resultbar" });
const list = h("div", { class: "results" });
const panel = h("div", { class: "searchview" }, drawer, h("section", { class: "found", "aria-label": "Results" }, bar, list));
const wide = window.matchMedia("(min-width: 900px)");
wide.addEventListener("change", () => (drawer.open = wide.matches));
drawer.open = wide.matches;

let asked = null;
let answer = null;

/** The element of the search view, as it was left. */
export function searchView() {
  if (!answer) refresh();
  return panel;
}

/** Asks again with the state as it is now. */
export async function refresh() {
  asked?.abort();
  const mine = (asked = new AbortController());
  list.setAttribute("aria-busy", "true");
  try {
    answer = await ask(SEARCH, variables(), mine.signal);
    if (asked === mine) show();
  } catch (error) {
    if (error.name === "AbortError" || asked !== mine) return;
    if (error.code === "STALE_CURSOR") {
      search.cursors = []; // the index was built anew: its pages begin again
      return refresh();
    }
    answer = null;
    bar.replaceChildren();
    list.replaceChildren(failure(error, refresh));
  } finally {
    if (asked === mine) list.removeAttribute("aria-busy");
  }
}

function show() {
  const pressed = document.activeElement?.closest?.(".facets") ? document.activeElement.title : null;
  const onToggle = (name, value) => (toggle(name, value), refresh());
  for (const { value, label } of [...answer.present, ...answer.absent, ...answer.uncertain]) labels.set(value, label ?? value);
  side.replaceChildren(...facets(answer, onToggle));
  if (pressed) [...side.querySelectorAll("button")].find((b) => b.title === pressed)?.focus();
  const { totalCount: total, nodes, pageInfo } = answer.searchReports;
  bar.replaceChildren(
    h("p", { role: "status" }, total ? plural(total, "report") : "No reports"),
    h("div", { class: "tags" }, switchedOn(labels, onToggle), hasFilters() ? h("button", { class: "link", type: "button", onclick: unfilter }, "Clear") : null),
    h("div", { class: "layouts", role: "group", "aria-label": "Layout" }, layoutButton("reports", "Reports"), layoutButton("images", "Images")),
  );
  if (!total) list.replaceChildren(empty());
  else list.replaceChildren(search.layout === "images" ? grid(nodes) : rows(nodes), pager(total, nodes.length, pageInfo));
}

function empty() {
  if (hasFilters()) {
    const clear = h("button", { class: "button", type: "button", onclick: unfilter }, "Clear filters");
    return note("No report matches", "Fewer filters or other words may find more.", clear);
  }
  if (search.query.trim()) return note("No report matches", "Other words may find more. Words are compared by their stem.");
  return note("Nothing is indexed yet", "Reports appear here as soon as the pipeline has written its search index.");
}

function unfilter() {
  clearFilters();
  refresh();
}

function layoutButton(layout, label) {
  const choose = () => {
    search.layout = layout;
    show();
    bar.querySelector('[aria-pressed="true"]')?.focus();
  };
  return h("button", { type: "button", "aria-pressed": String(search.layout === layout), onclick: choose }, label);
}

function pager(total, shown, { hasNextPage, endCursor }) {
  if (total <= PAGE) return "";
  const go = (cursors) => async () => {
    search.cursors = cursors;
    await refresh();
    window.scrollTo({ top: 0 });
  };
  const { cursors } = search;
  const before = cursors.length * PAGE;
  const [first, last] = [before + 1, before + shown].map((n) => n.toLocaleString("en"));
  return h(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    h("button", { class: "button", type: "button", disabled: !cursors.length, onclick: go(cursors.slice(0, -1)) }, "Previous"),
    h("span", {}, `${first}–${last} of ${total.toLocaleString("en")}`),
    h("button", { class: "button", type: "button", disabled: !hasNextPage, onclick: go([...cursors, endCursor]) }, "Next"),
  );
}
