// The picture of the image view. How it is windowed stands in the address, once the hand rests.

import { html } from "../vendor/lit-html/lit-html.js";
import { ifDefined } from "../vendor/lit-html/directives/if-defined.js";
import { keepWindow } from "../actions.js";
import { spacingOf, unitOf, valuesUrl } from "../viewer/addresses.js";
import "../viewer/frame-viewer.js";
import { shown } from "../words.js";

export const stage = (image, windowing) => html`
  <frame-viewer src=${image.frameUrl} values=${ifDefined(valuesUrl(image) ?? undefined)} thumbnail=${image.thumbnailUrl} label=${shown(image)}
    unit=${ifDefined(unitOf(image) ?? undefined)} spacing=${ifDefined(spacingOf(image) ?? undefined)}
    .windowing=${windowing} @windowchange=${(event) => keepWindow(image.id, event.detail)}></frame-viewer>`;
