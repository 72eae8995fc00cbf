// Joins the lines of a report that its file wraps. Pure.

const ITEM = /^\s*(?:[-*•–—+]|\(?\d{1,2}[.)]\s|\(?[a-z][.)]\s)/i;
const LABEL = /^\s*[A-Z][\w ,()/&-]{0,40}:/;
const SENTENCE_END = /[.!?:;]\s*$/;
const LOWER = /^\s*[\p{Ll}\d(]/u;
const MIN_WIDTH = 50;

/** The text with a space for each line break inside a sentence or a wrapped paragraph; lists and labeled lines stay. */
export function joinLines(text) {
  return text.split(/(\n[^\S\n]*\n)/).map((part, i) => (i % 2 ? part : joined(part))).join("");
}

function joined(block) {
  const lines = block.split("\n");
  const width = Math.max(...lines.map((line) => line.trimEnd().length));
  const isFull = (line, next) => width >= MIN_WIDTH && line.trimEnd().length + 1 + /^\s*(\S*)/.exec(next)[1].length > width;
  const isBroken = (line, next) => !SENTENCE_END.test(line) && LOWER.test(next) && !ITEM.test(next);
  const isWrapped = lines.some((line, i) => i && isBroken(lines[i - 1], line));
  const isJoined = (line, next) =>
    line.trim() && !/:\s*$/.test(line) && !ITEM.test(next) && !LABEL.test(next) && (isBroken(line, next) || (isWrapped && isFull(line, next)));
  return lines.reduce((text, next, i) => text + (isJoined(lines[i - 1], next) ? " " : "\n") + next);
}
