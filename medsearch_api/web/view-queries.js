// The queries that each route needs. Safe to call repeatedly: data that is loaded or loading is not requested again.

import { load, unload } from "./requests.js";
import { similarImageFilters, searchVariables } from "./router/filters.js";
import { go } from "./router/history.js";
import { COMPARED, FINDINGS, HOLDINGS, IMAGE, REPORT_ALONE, SEARCH, SIMILAR, SIMILAR_TO_VECTOR, STUDY, UPLOADS } from "./queries.js";
import { change, state } from "./state.js";

const QUERIES = { search: forSearch, image: forImage, report: forReport, compare: forCompare, upload: forUpload };

export function loadView(route, isReturning = false) {
  load("holdings", HOLDINGS, {}, { then: storeLabels });
  load("uploads", UPLOADS, {});
  QUERIES[route.view](route, isReturning);
}

function forSearch(route, isReturning) {
  load("search", SEARCH, searchVariables(route), { about: "search", isReturning, then: storeLabels, orElse: (error) => restartPaging(error, route) });
  if (route.open) load("open", FINDINGS, { id: route.open }, { about: route.open, isReturning });
  else unload("open");
}

/** Returns to the first page if the cursor belongs to an earlier index release or another search. */
function restartPaging(error, route) {
  const isOfCursor = route.cursors.length > 0 && ["STALE_CURSOR", "BAD_USER_INPUT"].includes(error.code);
  if (isOfCursor) go({ ...route, cursors: [] }, { replace: true });
  return isOfCursor;
}

function forImage({ id, like }, isReturning) {
  const then = () => state.route.id === id && queueMicrotask(() => loadView(state.route, isReturning));
  load("image", IMAGE, { id, query: state.results.words }, { about: id, isReturning, then });
  const image = state.loads.image.data?.image;
  if (image) load("study", STUDY, { patient: image.patient, study: image.study }, { about: `${image.patient}/${image.study}`, isReturning });
  if (like.sameView && !image) return; // the image determines the view
  const variables = { id, first: like.shown, exclude: like.others ? "PATIENT" : "IMAGE", filters: similarImageFilters(like, image) };
  load("similar", SIMILAR, variables, { about: id, isReturning });
}

function forReport({ id }, isReturning) {
  load("report", REPORT_ALONE, { id, query: state.results.words }, { about: id, isReturning });
}

function forCompare({ ids: [one, other] }, isReturning) {
  load("compare", COMPARED, { one, other }, { about: `${one} ${other}`, isReturning });
}

function forUpload({ like }) {
  const { vector, number } = state.upload;
  if (!vector) return unload("similar");
  load("similar", SIMILAR_TO_VECTOR, { vector, first: like.shown, filters: similarImageFilters(like, null) }, { about: `upload ${number}` });
}

/** Stores the labels of codes. */
export function storeLabels({ present, absent, uncertain = [] }) {
  const labels = new Map(state.labels);
  for (const { value, label } of [...present, ...absent, ...uncertain]) if (label) labels.set(value, label);
  change({ labels });
}
