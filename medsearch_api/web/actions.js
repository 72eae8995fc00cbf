// What a view's buttons do: go to another place, or change what is shown without one.

import { fetchFor } from "./needs.js";
import { go } from "./place/visits.js";
import { change, state } from "./state.js";
import { switchTheme } from "./theme.js";

const DEBOUNCE_MS = 250;
let typing = null;
let resting = null;

/** Takes the words as they are typed; the search follows when the typing rests. */
export function type(words) {
  clearTimeout(typing);
  change({ draft: words });
  typing = setTimeout(searchNow, DEBOUNCE_MS);
}

/** Searches for the words as they stand. */
export function searchNow() {
  clearTimeout(typing);
  typing = null;
  const isThere = state.place.view === "search";
  go({ ...state.results, words: state.draft, cursors: [], open: null }, { replace: isThere });
}

/** Leaves off a search that has not begun: its words wait for the way back to the results. */
export function stopTyping() {
  if (typing === null) return;
  clearTimeout(typing);
  typing = null;
  change({ results: { ...state.results, words: state.draft, cursors: [], open: null } });
}

export const search = (changes) => go({ ...state.results, words: state.draft, cursors: [], open: null, ...changes });
export const toResults = () => go(state.results);
export const filterLikes = (like) => go({ ...state.place, like });

/** Puts an image's window into the address once it has rested. */
export function keepWindow(id, windowing) {
  clearTimeout(resting);
  resting = setTimeout(() => {
    if (state.place.view === "image" && state.place.id === id) go({ ...state.place, windowing }, { replace: true });
  }, DEBOUNCE_MS);
}

export const again = () => fetchFor(state.place);
export const otherTheme = () => change({ theme: switchTheme() });
export const help = () => document.getElementById("help").showModal();
