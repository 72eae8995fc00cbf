// What a place asks of the index: the variables of its queries. Pure.

import { noFilters, noSimilarFilters } from "./routes.js";

export const PAGE = 20;
const LISTS = ["present", "absent", "uncertain", "views", "sexes", "modalities"];

/** The variables of a search. The counts of views, sexes and modalities leave their own filter aside, so that others can be added. */
export function searchVariables({ words, filters, cursors }) {
  const { minAge, maxAge, from, to, ...lists } = filters;
  const all = { ...lists, minAgeYears: minAge, maxAgeYears: maxAge, fromDate: from, toDate: to };
  return {
    query: words, first: PAGE, after: cursors.at(-1) ?? null, filters: all,
    viewless: { ...all, views: [] }, sexless: { ...all, sexes: [] }, modeless: { ...all, modalities: [] },
  };
}

/** The schema's filters of similar images. `image` is the one they are like; null for an uploaded one. */
export function similarImageFilters(like, image) {
  return {
    present: like.present, withoutPresent: like.without, absent: like.absent, sexes: like.sexes,
    minAgeYears: like.minAge, maxAgeYears: like.maxAge,
    views: like.sameView && image?.viewPosition ? [image.viewPosition] : [],
  };
}

export const isFiltered = (filters) => JSON.stringify(filters) !== JSON.stringify(noFilters());
export const isSimilarFiltered = ({ shown, ...like }) => JSON.stringify({ ...like, shown: noSimilarFilters().shown }) !== JSON.stringify(noSimilarFilters());

/** Filters with a value put into a list, or taken out of it. */
export const toggleValue = (filters, name, value) => ({
  ...filters,
  [name]: filters[name].includes(value) ? filters[name].filter((v) => v !== value) : [...filters[name], value],
});

/** The filters that are on: each by its field, its value, and what the filters are without it. */
export function activeFilters(filters) {
  const lists = LISTS.concat("without").filter((name) => filters[name]);
  const of = lists.flatMap((name) => filters[name].map((value) => ({ name, value, without: toggleValue(filters, name, value) })));
  const alone = ["minAge", "maxAge", "from", "to"].filter((name) => filters[name] !== null && filters[name] !== undefined);
  return [...of, ...alone.map((name) => ({ name, value: filters[name], without: { ...filters, [name]: null } }))];
}

/** Similar-image filters with a finding wanted `field` ("present", "without" or "absent"), or no longer; one of them at a time. */
export function setStance(like, field, code) {
  const free = { ...like };
  for (const name of ["present", "without", "absent"]) free[name] = like[name].filter((c) => c !== code);
  return like[field].includes(code) ? free : { ...free, [field]: [...free[field], code] };
}
