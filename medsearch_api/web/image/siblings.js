// The images of a study, side by side, each with a link to compare it with the open one.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { formatRoute, nextImageRoute } from "../router/routes.js";
import { compareLink, thumbnail } from "../shell/thumbnails.js";

export function siblings(image, route, slot) {
  const images = slot?.data?.study?.images.nodes ?? [];
  if (images.length < 2) return nothing;
  return html`<nav class="siblings" aria-label="Images of this study"><ul>${images.map((i) => sibling(i, image, route))}</ul></nav>`;
}

function sibling({ id, viewPosition, ...about }, image, route) {
  const isShown = id === image.id;
  return html`
    <li>
      <a class="tile" href=${formatRoute(nextImageRoute(route, id))} aria-current=${isShown ? "true" : nothing} data-step data-key=${id} data-image=${id}>
        ${thumbnail({ viewPosition, ...about })}<span>${viewPosition ?? "no view"}</span>
      </a>
      ${isShown ? nothing : compareLink(image.id, id, `Compare with the study’s ${viewPosition ?? "other"} image`)}
    </li>`;
}
