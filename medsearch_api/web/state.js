// What is searched for. It lives in memory: the address holds keys of images and reports, never words or filters.

export const PAGE = 20;

const nothing = () => ({ present: [], absent: [], uncertain: [], views: [], sexes: [] });

/** `cursors` lead from page to page: the last is that of the page shown, and there is none on the first. */
export const search = { query: "", cursors: [], filters: nothing(), layout: "reports" };
export const similar = { excludeSamePatient: false, first: 30 };

/** Puts a value into a filter, or takes it out, and goes back to the first page. */
export function toggle(name, value) {
  const values = search.filters[name];
  search.filters[name] = values.includes(value) ? values.filter((v) => v !== value) : [...values, value];
  search.cursors = [];
}

export function clearFilters() {
  search.filters = nothing();
  search.cursors = [];
}

export function hasFilters() {
  return Object.values(search.filters).some((values) => values.length > 0);
}

/** The variables of the search query. The counts of views and sexes leave their own filter aside, so that others can be added. */
export function variables() {
  const { query, cursors, filters } = search;
  return { query, first: PAGE, after: cursors.at(-1) ?? null, filters, viewless: { ...filters, views: [] }, sexless: { ...filters, sexes: [] } };
}
