// The query variables of a route, and changes to its filters. Pure.

import { FACETS } from "../facets.js";
import { noFilters, noSimilarFilters } from "./routes.js";

export const PAGE = 20;
const NAMES = [...FACETS.map(({ name }) => name), "sexes"];
const LISTS = ["present", "absent", "uncertain", ...NAMES];

/** The variables of a search. Counts of a facet ignore its own filter, so that further values can be added. */
export function searchVariables({ words, filters, cursors }) {
  const { minAge, maxAge, from, to, ...lists } = filters;
  const all = { ...lists, minAgeYears: minAge, maxAgeYears: maxAge, fromDate: from, toDate: to };
  return {
    query: words, first: PAGE, after: cursors.at(-1) ?? null, filters: all,
    ...Object.fromEntries(NAMES.map((name) => [name, { ...all, [name]: [] }])),
  };
}

/** The schema's filters for similar images. `image` is the query image; null for an uploaded file. */
export function similarImageFilters(like, image) {
  return {
    present: like.present, withoutPresent: like.without, absent: like.absent, sexes: like.sexes,
    minAgeYears: like.minAge, maxAgeYears: like.maxAge,
    views: like.sameView && image?.viewPosition ? [image.viewPosition] : [],
  };
}

export const isFiltered = (filters) => JSON.stringify(filters) !== JSON.stringify(noFilters());
export const isSimilarFiltered = ({ shown, ...like }) => JSON.stringify({ ...like, shown: noSimilarFilters().shown }) !== JSON.stringify(noSimilarFilters());

/** Adds a value to a list filter, or removes it. */
export const toggleValue = (filters, name, value) => ({
  ...filters,
  [name]: filters[name].includes(value) ? filters[name].filter((v) => v !== value) : [...filters[name], value],
});

/** The active filters: field, value, and the filters without it. */
export function activeFilters(filters) {
  const lists = LISTS.concat("without").filter((name) => filters[name]);
  const of = lists.flatMap((name) => filters[name].map((value) => ({ name, value, without: toggleValue(filters, name, value) })));
  const alone = ["minAge", "maxAge", "from", "to"].filter((name) => filters[name] !== null && filters[name] !== undefined);
  return [...of, ...alone.map((name) => ({ name, value: filters[name], without: { ...filters, [name]: null } }))];
}

/** Requires a finding to be "present", "without" or "absent" (`field`), or stops requiring it. A finding has one stance at a time. */
export function setStance(like, field, code) {
  const free = { ...like };
  for (const name of ["present", "without", "absent"]) free[name] = like[name].filter((c) => c !== code);
  return like[field].includes(code) ? free : { ...free, [field]: [...free[field], code] };
}
