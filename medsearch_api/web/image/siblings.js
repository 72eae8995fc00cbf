// The images of a study, side by side, each with a way to compare it with the one that is open.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { comparePlace, fragmentOf, onward } from "../place/address.js";
import { compare } from "../shell/icons.js";
import { picture } from "../shell/pictures.js";

export function siblings(image, place, slot) {
  const images = slot?.data?.study?.images.nodes ?? [];
  if (images.length < 2) return nothing;
  const links = images.map((i) => {
    const isShown = i.id === image.id;
    return html`
      <li>
        <a class="tile" href=${fragmentOf(onward(place, i.id))} aria-current=${isShown ? "true" : nothing} data-step data-key=${i.id} data-image=${i.id}>
          ${picture(i)}<span>${i.viewPosition ?? "no view"}</span>
        </a>
        ${isShown ? nothing : html`<a class="tool beside" href=${fragmentOf(comparePlace(image.id, i.id))} aria-label=${`Compare with ${i.viewPosition ?? "this image"} of the study`} title="Compare (c)">${compare}</a>`}
      </li>`;
  });
  return html`<nav class="siblings" aria-label="Images of this study"><ul>${links}</ul></nav>`;
}
