// Keyboard shortcuts of the focused viewer.

const COMMANDS = {
  "+": ["zoomIn"],
  "=": ["zoomIn"],
  "-": ["zoomOut"],
  _: ["zoomOut"],
  0: ["fit"],
  1: ["oneToOne"],
  i: ["invert"],
  o: ["overlays"],
  w: ["toggleTool"],
  r: ["reset"],
  "[": ["widen", 1 / 1.1],
  "]": ["widen", 1.1],
  "{": ["brighten", -0.05],
  "}": ["brighten", 0.05],
};
const STEP = 48;
const ARROWS = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };

/** The command of a key and its arguments; null if the key is not a shortcut. Arrow keys are shortcuts only when zoomed in. */
export function commandFor(event, isZoomed) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return null;
  if (event.key in ARROWS) return isZoomed ? ["pan", ...ARROWS[event.key]] : null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : "";
  return Object.hasOwn(COMMANDS, key) ? COMMANDS[key] : null;
}
