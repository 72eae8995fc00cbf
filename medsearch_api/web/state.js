// What is searched for. It lives in memory: the address holds keys of images and reports, never words or filters.

export const PAGE = 20;
/** How far pages go; the service gives nothing beyond. */
export const REACH = 10000;

const nothing = () => ({ present: [], absent: [], uncertain: [], views: [], sexes: [] });

export const search = { query: "", offset: 0, filters: nothing(), layout: "reports" };
export const similar = { excludeSamePatient: false, k: 30 };

/** Puts a value into a filter, or takes it out, and goes back to the first page. */
export function toggle(name, value) {
  const values = search.filters[name];
  search.filters[name] = values.includes(value) ? values.filter((v) => v !== value) : [...values, value];
  search.offset = 0;
}

export function clearFilters() {
  search.filters = nothing();
  search.offset = 0;
}

export function hasFilters() {
  return Object.values(search.filters).some((values) => values.length > 0);
}

/** The variables of the search query. The counts of views and sexes leave their own filter aside, so that others can be added. */
export function variables() {
  const { query, offset, filters } = search;
  return { query, offset, limit: PAGE, filters, viewless: { ...filters, views: [] }, sexless: { ...filters, sexes: [] } };
}
