// Actions of views' controls: navigating to another route, or changing what is displayed.

import { loadView } from "./view-queries.js";
import { go } from "./router/history.js";
import { change, state } from "./state.js";
import { switchTheme } from "./theme.js";

const DEBOUNCE_MS = 250;
let typing = null;
let resting = null;

/** Stores the words as they are typed. The search starts when typing pauses. */
export function type(words) {
  clearTimeout(typing);
  change({ draft: words });
  typing = setTimeout(searchNow, DEBOUNCE_MS);
}

/** Searches for the current words. */
export function searchNow() {
  clearTimeout(typing);
  typing = null;
  const isThere = state.route.view === "search";
  go({ ...state.results, words: state.draft, cursors: [], open: null }, { replace: isThere });
}

/** Cancels a search that has not started; its words are kept for returning to the results. */
export function stopTyping() {
  if (typing === null) return;
  clearTimeout(typing);
  typing = null;
  change({ results: { ...state.results, words: state.draft, cursors: [], open: null } });
}

export const search = (changes) => go({ ...state.results, words: state.draft, cursors: [], open: null, ...changes });
export const toResults = () => go(state.results);
export const setSimilarFilters = (like) => go({ ...state.route, like });

/** Stores an image's window in the URL once the user stops changing it. */
export function storeWindow(id, windowing) {
  clearTimeout(resting);
  resting = setTimeout(() => {
    if (state.route.view === "image" && state.route.id === id) go({ ...state.route, windowing }, { replace: true });
  }, DEBOUNCE_MS);
}

export const retryView = () => loadView(state.route);
export const toggleTheme = () => change({ theme: switchTheme() });
export const help = () => document.getElementById("help").showModal();
