// The keyboard: / to search, arrows from picture to picture, Esc to go back.

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The picture nearest to `from` in a direction; what lies off the line counts double. */
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

export function listen(words, goBack) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target === words;
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      words.focus();
      words.select();
    } else if (event.key === "Escape") {
      if (isTyping) words.blur();
      else goBack();
    } else if (event.key in DIRECTIONS && !(isTyping && event.key !== "ArrowDown")) {
      step(event, isTyping);
    }
  });
}

function step(event, isTyping) {
  const at = document.activeElement?.closest?.("[data-step]");
  const first = document.querySelector("main [data-step]");
  if (!at && !isTyping && document.activeElement !== document.body && document.activeElement?.id !== "view") return;
  const next = at ? nearest(at, DIRECTIONS[event.key]) : first;
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
