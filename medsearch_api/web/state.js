// Everything that the page displays, in one object. Views are templates of it; only effects change it.

import { searchRoute } from "./router/routes.js";

/** `loads`: requests by name: {key, status: "loading" | "ready" | "failed", data, error}. `results`: the route of the last search. */
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

/** Registers `show` to be called after changes, once for all changes made in one turn. */
export function onChange(show) {
  shown = show;
}

/** Applies changes to the state and schedules a rendering. */
export function change(changes) {
  Object.assign(state, changes);
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    shown?.(state);
  });
}
