// The view of a search with a file: where to drop one, how far it is, why it was refused, and images like it.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { backLink } from "../shell/detail-page.js";
import { similarPanel } from "../similar/similar.js";
import { button, failure, note } from "../shell/notes.js";
import { size } from "../labels.js";
import { preview } from "./preview.js";
import { cancel, send } from "./send.js";

function onFileChosen(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) send(file);
}

const choice = (text) => html`<label class="button choose">${text}<input class="unseen" type="file" @change=${onFileChosen}></label>`;

export function uploadView(state) {
  return html`
    <div class="imageview">
      ${backLink(state)}
      <h1 tabindex="-1">Search with a file</h1>
      ${content(state, state.loads.uploads)}
    </div>`;
}

function content(state, slot) {
  if (slot?.status === "failed") return failure(slot.error);
  if (!slot?.data) return nothing;
  if (slot.data.uploads) return step(state, slot.data.uploads);
  const why = "This service has no model to embed them. Images of the index still lead to images like them.";
  return note("Files cannot be searched with here", why);
}

function step(state, limits) {
  const { upload } = state;
  if (upload.status === "ready") return html`${uploadSummary(upload)}${similarPanel(state, null)}`;
  if (upload.status === "failed") return uploadFailure(upload);
  if (upload.status === "none") return invitation(limits, upload);
  return sending(upload);
}

const uploadFailure = ({ name, error }) => html`
  <div class="drop" role="alert"><h2>${name}</h2><p>${error.message}</p>${choice("Choose another file")}</div>`;

const invitation = ({ maxBytes, formats }, { isLost }) => html`
  <div class="drop">
    <h2>${isLost ? "Drop the file again" : "Drop a file anywhere on this page"}</h2>
    ${isLost ? html`<p>It was held by this tab alone, and ended with it.</p>` : nothing}
    <p>${formats.join(", ")}, up to ${size(maxBytes)}. It is not kept.</p>
    ${choice("Choose a file")}
  </div>`;

const sending = ({ status, name, bytes, part }) => html`
  <div class="drop">
    <h2>${name}</h2>
    ${status === "sending"
      ? html`<p>Sending ${size(bytes)}</p><progress aria-label="Sent" max="1" .value=${part}></progress>`
      : html`<p>Looking at the picture</p><progress aria-label="Looking at the picture"></progress>`}
    ${button("Cancel", cancel)}
  </div>`;

function uploadSummary({ name, bytes, embedding }) {
  const frames = embedding.frames > 1 ? `, frame ${embedding.frame} of ${embedding.frames}` : "";
  return html`
    <section class="panel uploaded" aria-label="The file">
      ${preview(embedding.thumbnail)}
      <div>
        <h2 class="name">${name}</h2>
        <p class="quiet">${embedding.format}, ${embedding.columns} × ${embedding.rows}${frames}, ${size(bytes)}</p>
        <p class="quiet">Embedded by ${embedding.modelId}. The file was not kept; its vector is held by this tab alone.</p>
        <div class="tags">${choice("Another file")}${button("Forget it", cancel)}</div>
      </div>
    </section>`;
}

/** What covers the page while a file is held over it. */
export function dropOverlay({ isDropping, loads }) {
  if (!isDropping) return nothing;
  const why = "Files cannot be searched with here: this service has no model to embed them.";
  return html`<div class="droptarget"><p>${loads.uploads?.data?.uploads ? "Drop it to search for images like it" : why}</p></div>`;
}
