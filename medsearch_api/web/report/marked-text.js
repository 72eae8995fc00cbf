// A report's text divided into nested mentions, section headers and search words. Pure.
// Offsets count Unicode code points, not JavaScript's UTF-16 units.

const HEADER = /^[ \t]*[A-Z][A-Z /]{2,}:/gm;

/** The text as a tree of {text, isHeader, isTerm} and {entity, pieces}. A mention whose text does not match is left out. `shown` is
 * displayed instead of the text and has the same length. */
export function markText(text, entities, matches, shown = text) {
  const letters = Array.from(text);
  const cuts = { letters: Array.from(shown), headers: headers(text), matches };
  return between(cuts, tree(letters, entities), 0, letters.length);
}

/** The text in runs, with search words as separate runs. */
export function markTerms(text, matches) {
  const letters = Array.from(text);
  return runs({ letters, headers: [], matches }, 0, letters.length);
}

function headers(text) {
  const at = (units) => Array.from(text.slice(0, units)).length;
  return Array.from(text.matchAll(HEADER), ({ index, 0: header }) => ({ begin: at(index), end: at(index + header.length) }));
}

/** Nests mentions that are inside others. Of two that overlap partially, the first is kept. */
function tree(letters, entities) {
  const placed = entities.filter((e) => letters.slice(e.begin, e.end).join("") === e.text);
  const roots = [];
  const around = [];
  for (const entity of placed.sort((a, b) => a.begin - b.begin || b.end - a.end)) {
    while (around.length && around.at(-1).entity.end <= entity.begin) around.pop();
    const outer = around.at(-1);
    if (outer && entity.end > outer.entity.end) continue;
    const node = { entity, within: [] };
    (outer?.within ?? roots).push(node);
    around.push(node);
  }
  return roots;
}

function between(cuts, nodes, begin, end) {
  const found = [];
  let at = begin;
  for (const { entity, within } of nodes) {
    found.push(...runs(cuts, at, entity.begin), { entity, pieces: between(cuts, within, entity.begin, entity.end) });
    at = entity.end;
  }
  return [...found, ...runs(cuts, at, end)];
}

function runs({ letters, headers, matches }, begin, end) {
  const edges = [...headers, ...matches].flatMap((r) => [r.begin, r.end]).filter((n) => n > begin && n < end);
  const stops = [...new Set([begin, ...edges, end])].sort((a, b) => a - b);
  const isIn = (ranges, n) => ranges.some((r) => r.begin <= n && n < r.end);
  return stops.slice(0, -1).map((from, i) => ({
    text: letters.slice(from, stops[i + 1]).join(""), isHeader: isIn(headers, from), isTerm: isIn(matches, from),
  }));
}
