// Loading the data of routes. Only the latest request of each kind is displayed; earlier responses are shown at once on return.

import { runQuery } from "./api.js";
import { change, state } from "./state.js";

const MAX_ANSWERS = 40;
const answers = new Map();
const running = new Map();

/** Runs `query` and stores the response in `state.loads[name]`. Until then, the previous response stays if it is also of `about`. */
export function load(name, query, variables, { about = "", isReturning = false, then = () => {}, orElse = () => false } = {}) {
  const key = JSON.stringify([query, variables]);
  const before = state.loads[name];
  if (before?.key === key && before.status !== "failed") return;
  running.get(name)?.abort();
  if (isReturning && answers.has(key)) {
    then(answers.get(key));
    return put(name, { key, about, status: "ready", data: answers.get(key) });
  }
  const controller = new AbortController();
  running.set(name, controller);
  put(name, { key, about, status: "loading", data: before?.about === about ? before.data : null });
  runQuery(query, variables, controller.signal).then(
    (data) => {
      if (running.get(name) !== controller) return;
      keep(key, data);
      then(data);
      put(name, { key, about, status: "ready", data });
    },
    (error) => {
      if (error.name === "AbortError" || running.get(name) !== controller || orElse(error)) return;
      put(name, { key, about, status: "failed", data: null, error });
    },
  );
}

/** Aborts the request with that name, and drops its response. */
export function unload(name) {
  running.get(name)?.abort();
  running.delete(name);
  if (state.loads[name]) put(name, undefined);
}

function put(name, value) {
  change({ loads: { ...state.loads, [name]: value } });
}

function keep(key, data) {
  answers.delete(key);
  answers.set(key, data);
  if (answers.size > MAX_ANSWERS) answers.delete(answers.keys().next().value);
}
