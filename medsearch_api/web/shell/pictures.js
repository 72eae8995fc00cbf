// Small pictures. One that cannot be had says so in its place.

import { html } from "../vendor/lit-html/lit-html.js";
import { shown } from "../words.js";

const mark = (isMissing) => (event) => event.target.parentElement.classList.toggle("missing", isMissing);

export const picture = (image) => html`<img src=${image.thumbnailUrl} alt=${shown(image)} loading="lazy" decoding="async" @error=${mark(true)} @load=${mark(false)}>`;
