// Thumbnails, and the link to compare two images. An unavailable thumbnail is replaced by a note.

import { html } from "../vendor/lit-html/lit-html.js";
import { compareRoute, formatRoute } from "../router/routes.js";
import { altText } from "../labels.js";
import { compare } from "./icons.js";

const mark = (isMissing) => (event) => event.target.parentElement.classList.toggle("missing", isMissing);

const sources = ({ smallThumbnailUrl, thumbnailUrl }) => `${smallThumbnailUrl} 384w, ${thumbnailUrl} 512w`;

/** The small thumbnail where it suffices for the space and the screen. */
export const thumbnail = (image) => html`
  <img sizes="160px" srcset=${sources(image)} src=${image.smallThumbnailUrl} alt=${altText(image)} loading="lazy" decoding="async" @error=${mark(true)} @load=${mark(false)}>`;

export const compareLink = (one, other, name) => html`
  <a class="tool beside" href=${formatRoute(compareRoute(one, other))} aria-label=${name} title="Compare (c)">${compare}</a>`;
