// Elements and icons of the viewer. Text is always inserted as text, never parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  window: [["circle", { cx: 10, cy: 10, r: 7 }], ["path", { d: "M10 3a7 7 0 0 1 0 14z", class: "filled" }]],
  invert: [["rect", { x: 3.5, y: 3.5, width: 13, height: 13, rx: 2 }], ["path", { d: "M3.5 16.5 16.5 3.5V15a1.5 1.5 0 0 1-1.5 1.5z", class: "filled" }]],
  overlays: [["rect", { x: 3.5, y: 3.5, width: 13, height: 13, rx: 2 }], ["path", { d: "M6 13.5 9 9l3 3 2.5-5" }]],
  zoomIn: [["circle", { cx: 9, cy: 9, r: 5.5 }], ["path", { d: "m13 13 4 4M6.5 9h5M9 6.5v5" }]],
  zoomOut: [["circle", { cx: 9, cy: 9, r: 5.5 }], ["path", { d: "m13 13 4 4M6.5 9h5" }]],
  fit: [["path", { d: "M3 6.5V3h3.5M13.5 3H17v3.5M17 13.5V17h-3.5M6.5 17H3v-3.5" }], ["rect", { x: 6.5, y: 6.5, width: 7, height: 7, rx: 0.5 }]],
  oneToOne: [["path", { d: "M4.5 7 6.5 5.5V14.5M13.5 7l2-1.5V14.5M10.5 8v.1M10.5 12v.1" }]],
  reset: [["path", { d: "M4 4v4h4M4.4 8A6.5 6.5 0 1 1 3.5 11.5" }]],
  fullScreen: [["path", { d: "M12 3h5v5M8 17H3v-5M17 3l-5.5 5.5M3 17l5.5-5.5" }]],
};

/** Creates an element with attributes and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Creates an icon, hidden from screen readers because its button has a name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" })) svg.setAttribute(key, value);
  for (const [tag, attributes] of ICONS[name]) {
    const shape = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
  return svg;
}
