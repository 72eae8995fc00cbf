// The viewer of the image view. The URL contains its window once the user stops changing it.

import { html } from "../vendor/lit-html/lit-html.js";
import { ifDefined } from "../vendor/lit-html/directives/if-defined.js";
import { storeWindow } from "../actions.js";
import { pixelSpacing, valuesUrl } from "../viewer/urls.js";
import "../viewer/frame-viewer.js";
import { altText } from "../labels.js";

export const stage = (image, windowing) => html`
  <frame-viewer src=${image.frameUrl} values=${ifDefined(valuesUrl(image) ?? undefined)} thumbnail=${image.thumbnailUrl} label=${altText(image)}
    spacing=${ifDefined(pixelSpacing(image) ?? undefined)} ?overlays=${image.detail?.hasOverlay ?? false}
    .windowing=${windowing} @windowchange=${(event) => storeWindow(image.id, event.detail)}></frame-viewer>`;
