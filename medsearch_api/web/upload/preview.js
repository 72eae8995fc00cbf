// The embedded image, drawn from its PNG bytes, because the content security policy does not allow data: URLs.

import { html } from "../vendor/lit-html/lit-html.js";
import { guard } from "../vendor/lit-html/directives/guard.js";
import { ref } from "../vendor/lit-html/directives/ref.js";

async function draw(canvas, base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
}

const drawn = (base64) => html`
  <canvas role="img" aria-label="Uploaded image" ${ref((canvas) => canvas && draw(canvas, base64))}></canvas>`;

export const preview = (base64) => html`<div class="lightbox small">${guard([base64], () => drawn(base64))}</div>`;
