// Keeps the focus across renderings: on the element with the same key, or else on one near its former position.

const REACHED = "a[href], button:not(:disabled), input:not(:disabled), summary, h1[tabindex]";

/** Calls `render`, and restores the focus if it was lost. */
export function preserveFocus(render) {
  const before = document.activeElement;
  const key = before?.dataset?.key;
  const around = [];
  for (let at = before?.parentElement; at; at = at.parentElement) around.push(at);
  render();
  if (!before || before === document.body || document.activeElement !== document.body) return;
  const same = key && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const heading = before.matches("h1") && document.querySelector("main h1");
  const near = around.filter((e) => e.isConnected).map((e) => e.querySelector(REACHED)).find(Boolean);
  (same || heading || near)?.focus({ preventScroll: true });
}
