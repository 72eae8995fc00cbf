// The dialog with the keyboard shortcuts.

import { html } from "../vendor/lit-html/lit-html.js";

const KEYS = [
  ["Everywhere", [["/", "Search"], ["Esc", "Back to the results"], ["?", "Keyboard shortcuts"]]],
  ["Images", [["← → ↑ ↓", "Move between images"], ["Enter", "Open the image"], ["c", "Compare with the open image"]]],
  [
    "Viewer, when focused",
    [
      ["+ −", "Zoom"], ["Ctrl", "With the mouse wheel: zoom at the pointer"], ["0 1", "Fit; actual pixels"], ["← → ↑ ↓", "Pan"], ["w", "Drag to window or to pan"],
      ["[ ]", "Narrow or widen the window"], ["{ }", "Darken or brighten"], ["i", "Invert"], ["r", "Reset"],
    ],
  ],
];

const row = ([key, does]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`;

export const helpDialog = () => html`
  <dialog id="help" aria-labelledby="help-title">
    <div class="titlebar"><h2 id="help-title">Keyboard shortcuts</h2><form method="dialog"><button class="button">Close</button></form></div>
    ${KEYS.map(([title, keys]) => html`<section><h3>${title}</h3><dl>${keys.map(row)}</dl></section>`)}
  </dialog>`;
