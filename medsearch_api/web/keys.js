// Keyboard shortcuts: / to search, arrows to move between images, c to compare, Esc to go back, ? for help.

import { help, toResults } from "./actions.js";
import { compareRoute } from "./router/routes.js";
import { go } from "./router/history.js";
import { state } from "./state.js";

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { "/": toWords, c: compare, "?": help };

export function listenForKeys() {
  document.addEventListener("keydown", (event) => {
    const isOthers = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
    if (isOthers) return;
    const words = document.getElementById("words");
    const isTyping = event.target.matches("input:not([type=checkbox]):not([type=file]), textarea, select");
    if (event.key === "Escape") leave(event.target, isTyping, words);
    else if (event.key in DIRECTIONS && (!isTyping || (event.target === words && event.key === "ArrowDown"))) step(event, isTyping);
    else if (event.key in KEYS && !isTyping) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });
}

function toWords() {
  const words = document.getElementById("words");
  words.focus();
  words.select();
}

function leave(target, isTyping) {
  const opened = target.closest("details[open].morefilters");
  if (isTyping) target.blur();
  else if (opened) opened.open = false;
  else if (state.route.view !== "search") toResults();
}

/** Compares the open image with the focused one, or else with the first other one. */
function compare() {
  if (state.route.view !== "image") return;
  const others = [...document.querySelectorAll("main [data-image]")].filter((e) => e.dataset.image !== state.route.id);
  const target = others.find((e) => e === document.activeElement) ?? others[0];
  if (target) go(compareRoute(state.route.id, target.dataset.image));
}

function step(event, isTyping) {
  const at = document.activeElement?.closest?.("[data-step]");
  const isFree = document.activeElement === document.body || document.activeElement?.matches("#view, h1");
  if (!at && !isTyping && !isFree) return;
  const next = at ? nearest(at, DIRECTIONS[event.key]) : document.querySelector("main [data-step]");
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** Returns the image nearest to `from` in a direction; distance off the axis counts double. */
function nearest(from, [dx, dy]) {
  const centre = (element) => {
    const box = element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = centre(from);
  let best = null;
  for (const element of document.querySelectorAll("main [data-step]")) {
    const [ex, ey] = centre(element);
    const along = (ex - x) * dx + (ey - y) * dy;
    const across = Math.abs((ex - x) * dy) + Math.abs((ey - y) * dx);
    if (element === from || along < 4) continue;
    const cost = along + 2 * across;
    if (!best || cost < best.cost) best = { element, cost };
  }
  return best?.element;
}
