// The page's icons, in the color of the surrounding text.

import { svg, html } from "../vendor/lit-html/lit-html.js";

const icon = (drawing) => html`<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">${drawing}</svg>`;

export const sun = icon(svg`<circle cx="10" cy="10" r="3.5"/><path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.300 4.300l1.5 1.5M14.200 14.200l1.5 1.5M4.300 15.700l1.5-1.5M14.200 5.800l1.5-1.5"/>`);
export const moon = icon(svg`<path d="M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5z"/>`);
export const file = icon(svg`<path d="M10 13V3.5M6.5 7 10 3.5 13.5 7M3.5 12.5v3a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1v-3"/>`);
export const keyboard = icon(svg`<rect x="2" y="5" width="16" height="10" rx="2"/><path d="M5 8h.01M8 8h.01M11 8h.01M14 8h.01M6 12h8"/>`);
export const compare = icon(svg`<rect x="2.5" y="4" width="6" height="12" rx="1"/><rect x="11.5" y="4" width="6" height="12" rx="1"/>`);
