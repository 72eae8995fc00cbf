// All that the page shows, in one object. Views are templates of it; only effects change it.

import { searchRoute } from "./router/routes.js";

/** `loads`: what was asked for, by name: {key, status: "loading" | "ready" | "failed", data, error}. `results`: the search last seen. */
export const state = {
  session: { status: "asking", error: null, name: "" },
  route: searchRoute(),
  results: searchRoute(),
  draft: "",
  loads: {},
  labels: new Map(),
  upload: { status: "none" },
  isDropping: false,
  isOnline: navigator.onLine,
  theme: null,
  isWide: true,
};

let shown = null;
let isDue = false;

/** Has `show` called after every change, once for all changes of a moment. */
export function onChange(show) {
  shown = show;
}

/** Puts changes into the state and has them shown. */
export function change(changes) {
  Object.assign(state, changes);
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    shown?.(state);
  });
}
