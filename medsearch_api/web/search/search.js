// The search view: facets next to the matching reports.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { search } from "../actions.js";
import { noFilters } from "../router/routes.js";
import { PAGE, isFiltered } from "../router/filters.js";
import { go } from "../router/history.js";
import { button, failure, note, skeleton } from "../shell/notes.js";
import { plural } from "../labels.js";
import { facets } from "./facets.js";
import { grid, rows } from "./results.js";
import { clearLink, filterTags } from "./active-filters.js";

const HINT = "Text search also matches negated findings (“no effusion”). Use the Present filter to find positive findings.";

const clear = () => search({ filters: noFilters() });

export function searchView(state) {
  const { route, loads } = state;
  const { data, status, error } = loads.search ?? {};
  return html`
    <h1 class="unseen" tabindex="-1">Search</h1>
    <div class="searchview">
      <details class="side" ?open=${state.isWide}>
        <summary>Findings and filters</summary>
        <h2 class="unseen">Filters</h2>
        <div class="facets">${status === "failed" ? nothing : facets(data, route.filters)}</div>
      </details>
      <section class="found" aria-labelledby="found-title">
        <h2 class="unseen" id="found-title">Results</h2>
        <div class="resultbar">
          <p class="total">${data ? total(route, data.searchReports.totalCount) : status === "failed" ? "" : "Searching …"}</p>
          <div class="tags">
            ${filterTags(route.filters, state.labels, (filters) => search({ filters }))}${clearLink(isFiltered(route.filters), clear)}
          </div>
          <div class="layouts" role="group" aria-label="Layout">
            ${layoutButton(route, "reports", "Reports")}${layoutButton(route, "images", "Images")}
          </div>
        </div>
        ${route.words.trim() && data?.searchReports.totalCount ? html`<p class="quiet hint">${HINT}</p>` : nothing}
        <div class="results" aria-busy=${status === "loading"}>
          ${status === "failed" ? failure(error) : data ? found(state, data.searchReports) : placeholder(route)}
        </div>
      </section>
    </div>`;
}

/** Both layouts count and page reports: the images are those of the reports. */
const total = ({ layout }, count) => (layout === "images" && count ? `Images of ${plural(count, "report")}` : plural(count, "report"));

const placeholder = ({ layout }) => (layout === "images" ? skeleton.tiles(18) : skeleton.rows(6));

function found(state, { nodes, totalCount, pageInfo }) {
  if (!totalCount) return empty(state.route);
  return html`${state.route.layout === "images" ? grid(nodes) : rows(nodes, state)}${pager(state.route, totalCount, nodes.length, pageInfo)}`;
}

function empty({ words, filters }) {
  if (isFiltered(filters)) return note("No matching reports", "Try fewer filters or other words.", button("Clear filters", clear));
  if (words.trim()) return note("No matching reports", "Try other words. Different forms of a word, such as plurals, match automatically.");
  return note("The index is empty", "Reports appear here once the pipeline has built its search index.");
}

const layoutButton = (route, layout, label) => html`
  <button type="button" aria-pressed=${route.layout === layout} @click=${() => search({ layout, cursors: route.cursors })}>${label}</button>`;

function pager(route, count, shown, { hasNextPage, endCursor }) {
  if (count <= PAGE) return nothing;
  const { cursors } = route;
  const turn = (to) => () => go({ ...route, cursors: to, open: null });
  const before = cursors.length * PAGE;
  const [first, last] = [before + 1, before + shown].map((n) => n.toLocaleString("en"));
  return html`
    <nav class="pager" aria-label="Pages">
      <button class="button" type="button" ?disabled=${!cursors.length} @click=${turn(cursors.slice(0, -1))}>Previous</button>
      <span>${route.layout === "images" ? "Reports " : ""}${first}–${last} of ${count.toLocaleString("en")}</span>
      <button class="button" type="button" ?disabled=${!hasNextPage} @click=${turn([...cursors, endCursor])}>Next</button>
    </nav>`;
}
