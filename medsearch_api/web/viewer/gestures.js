// Translates pointer and wheel events on a stage to zoom, pan and window gestures. Points are in CSS pixels from its corner.

const WHEEL = 0.0016;
const PINCH_ON_TRACKPAD = 0.01;
const MAX_PINCH = 0.3; // a mouse wheel with Ctrl takes steps that are ten times a trackpad's
const LINE_PIXELS = 16;
const LEFT = 0;
const RIGHT = 2;

/**
 * Calls `zoom(factor, point)`, `pan(dx, dy)`, `beginWindow()`, `window(dx, dy)` (since the start), `reset()` and
 * `hover(point | null)`. `isWindowing()` returns whether a plain drag changes the window, and `isWheelFree()` whether the wheel
 * without Ctrl is left to the page.
 */
export function listen(stage, { zoom, pan, beginWindow, window, reset, hover, isWindowing, isWheelFree }) {
  const pointers = new Map();
  let drag = null;

  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const between = ([a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) });

  function begin(event) {
    const windows = event.button === RIGHT || (event.button === LEFT && (event.shiftKey || isWindowing()));
    drag = { windows, start: at(event), last: at(event) };
    if (windows) beginWindow();
    stage.toggleAttribute("data-dragging", true);
  }

  function pinch(event) {
    const before = between([...pointers.values()]);
    pointers.set(event.pointerId, at(event));
    const now = between([...pointers.values()]);
    pan(now.x - before.x, now.y - before.y);
    if (before.distance > 0) zoom(now.distance / before.distance, now);
  }

  stage.addEventListener("pointerdown", (event) => {
    if (pointers.size === 2 || event.target.closest("button")) return;
    pointers.set(event.pointerId, at(event));
    stage.setPointerCapture(event.pointerId);
    if (pointers.size === 1) begin(event);
    else drag = null;
  });
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") hover(at(event));
    if (!pointers.has(event.pointerId)) return;
    if (pointers.size === 2) return pinch(event);
    if (!drag) return;
    const point = at(event);
    if (drag.windows) window(point.x - drag.start.x, point.y - drag.start.y);
    else pan(point.x - drag.last.x, point.y - drag.last.y);
    drag.last = point;
  });
  const end = (event) => {
    pointers.delete(event.pointerId);
    drag = null;
    stage.toggleAttribute("data-dragging", false);
  };
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("pointerleave", () => hover(null));
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("dblclick", reset);
  stage.addEventListener(
    "wheel",
    (event) => {
      const isPinch = event.ctrlKey || event.metaKey;
      if (!isPinch && isWheelFree()) return;
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1);
      const pinched = Math.min(MAX_PINCH, Math.max(-MAX_PINCH, pixels * PINCH_ON_TRACKPAD));
      zoom(Math.exp(-(isPinch ? pinched : pixels * WHEEL)), at(event));
    },
    { passive: false },
  );
}
