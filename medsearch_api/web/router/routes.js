// Conversion between URL fragments and routes. Pure. Hand-typed fragments are read as far as they make sense.
// Browsers never send fragments to a server. They contain keys, filters and the user's search words.

import { FACETS } from "../facets.js";

const MAX_WORDS = 1000;
const MAX_VALUES = 20;
const MAX_PAGES = 500;
const SEXES = ["FEMALE", "MALE", "OTHER"];
const CODE = /^[A-Z][0-9A-Z.]{1,9}$/;
const CURSOR = /^[\w-]{1,200}={0,2}$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** How many similar images are displayed, step by step. */
export const STEPS = [30, 60, 100];

export const noFilters = () => ({
  present: [], absent: [], uncertain: [], ...Object.fromEntries(FACETS.map(({ name }) => [name, []])), sexes: [], minAge: null, maxAge: null, from: null, to: null,
});
export const noSimilarFilters = () => ({
  others: false, sameView: false, present: [], without: [], absent: [], sexes: [], minAge: null, maxAge: null, shown: STEPS[0],
});
export const searchRoute = (changes = {}) => ({
  view: "search", words: "", filters: noFilters(), layout: "reports", cursors: [], open: null, ...changes,
});
export const imageRoute = (id, changes = {}) => ({ view: "image", id, like: noSimilarFilters(), windowing: null, ...changes });
/** The route of an image opened from another one, which keeps the filters of similar images. */
export const nextImageRoute = ({ like }, id) => imageRoute(id, like && { like: { ...like, shown: STEPS[0] } });
export const reportRoute = (id) => ({ view: "report", id });
export const compareRoute = (one, other) => ({ view: "compare", ids: [one, other] });
export const uploadRoute = (changes = {}) => ({ view: "upload", like: noSimilarFilters(), ...changes });

// Encodings of values in a fragment: `read` parses the values of a key, `write` returns them.
const list = (isOne) => ({ read: (values) => [...new Set(values)].filter(isOne).slice(0, MAX_VALUES), write: (values) => values });
const one = (read, none = null) => ({ read: ([value]) => (value === undefined ? none : read(value)), write: (v) => (v === none ? [] : [v]) });
const said = { read: ([value]) => value === "yes", write: (v) => (v ? ["yes"] : []) };
const codes = list((value) => CODE.test(value));
const texts = list((value) => value.length > 0 && value.length <= 64);
const sexes = list((value) => SEXES.includes(value));
const age = one((value) => (/^\d{1,3}(\.\d{1,3})?$/.test(value) && Number(value) <= 150 ? Number(value) : null));
const day = one((value) => (DAY.test(value) && new Date(`${value}T00:00Z`).toJSON()?.startsWith(value) ? value : null));

const FILTERS = {
  present: ["present", codes], absent: ["absent", codes], uncertain: ["uncertain", codes],
  ...Object.fromEntries(FACETS.map(({ name, key }) => [name, [key, texts]])), sexes: ["sex", sexes], minAge: ["min-age", age], maxAge: ["max-age", age], from: ["from", day], to: ["to", day],
};
const LIKE = {
  others: ["other-patients", said], sameView: ["same-view", said], present: ["with", codes], without: ["without", codes],
  absent: ["said-absent", codes], sexes: ["sex", sexes], minAge: ["min-age", age], maxAge: ["max-age", age],
  shown: ["shown", one((value) => (STEPS.includes(Number(value)) ? Number(value) : STEPS[0]), STEPS[0])],
};
const SEARCH = {
  words: ["q", one((value) => value.slice(0, MAX_WORDS), "")],
  layout: ["layout", one((value) => (value === "images" ? "images" : "reports"), "reports")],
  cursors: ["after", { read: (values) => values.filter((v) => CURSOR.test(v)).slice(0, MAX_PAGES), write: (values) => values }],
  open: ["findings", one((value) => (value.length <= 256 ? value || null : null))],
};

const SHOWN = { windowing: ["window", { read: ([value]) => windowing(value ?? ""), write: (v) => (v ? [windowText(v)] : []) }] };

/** A window in the image's values: `center,width`, `center,width,inverted`, or `inverted` without a window. */
function windowing(text) {
  if (text === "inverted") return { center: null, width: null, inverted: true };
  const [, center, width, inverted] = /^(-?\d{1,9}(?:\.\d{1,6})?),(\d{1,9}(?:\.\d{1,6})?)(,inverted)?$/.exec(text) ?? [];
  return center === undefined || Number(width) <= 0 ? null : { center: Number(center), width: Number(width), inverted: Boolean(inverted) };
}

const decimal = (value) => String(Number(value.toFixed(6)));

function windowText({ center, width, inverted }) {
  const own = center === null ? [] : [decimal(center), decimal(width)];
  return [...own, ...(inverted ? ["inverted"] : [])].join(",");
}

const read = (fields, query) => Object.fromEntries(Object.entries(fields).map(([name, [key, kind]]) => [name, kind.read(query.getAll(key))]));
const written = (fields, values) =>
  Object.entries(fields).flatMap(([name, [key, kind]]) => kind.write(values[name]).map((value) => [key, String(value)]));

/** Decodes an ID from a URL, which may be hand-typed. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Parses a fragment to a route; defaults to the search. */
export function parseRoute(fragment) {
  const [path, ...rest] = fragment.replace(/^#?\/?/, "").split("?");
  const [view, ...ids] = path.split("/").filter(Boolean).map(decoded);
  const query = new URLSearchParams(rest.join("?"));
  if (view === "image" && ids.length === 1) return imageRoute(ids[0], { like: read(LIKE, query), ...read(SHOWN, query) });
  if (view === "report" && ids.length === 1) return reportRoute(ids[0]);
  if (view === "compare" && ids.length === 2) return compareRoute(...ids);
  if (view === "upload") return uploadRoute({ like: read(LIKE, query) });
  return searchRoute({ ...read(SEARCH, query), filters: read(FILTERS, query) });
}

/** Formats a route as a fragment. */
export function formatRoute(route) {
  const [path, pairs] = parts(route);
  const query = new URLSearchParams(pairs).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query && `?${query}`}`;
}

function parts(route) {
  if (route.view === "image") return [["image", route.id], [...written(LIKE, route.like), ...written(SHOWN, route)]];
  if (route.view === "report") return [["report", route.id], []];
  if (route.view === "compare") return [["compare", ...route.ids], []];
  if (route.view === "upload") return [["upload"], written(LIKE, route.like)];
  return [[], [...written(SEARCH, route), ...written(FILTERS, route.filters)]];
}
