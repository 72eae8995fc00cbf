// The picture of the image page.

import { html } from "../vendor/lit-html/lit-html.js";
import { picture } from "../shell/pictures.js";

export const stage = (image, place) => html`<div class="stage">${picture(image)}</div>`;
