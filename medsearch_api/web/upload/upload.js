// The view of a search by file: choosing a file, progress, errors, and similar images.

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
      <h1 tabindex="-1">Search by file</h1>
      ${content(state, state.loads.uploads)}
    </div>`;
}

function content(state, slot) {
  if (slot?.status === "failed") return failure(slot.error);
  if (!slot?.data) return nothing;
  if (slot.data.uploads) return step(state, slot.data.uploads);
  const detail = "You can still search for images similar to those in the index.";
  return note("Search by file is not available on this server", detail);
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
    ${isLost ? html`<p>The file was kept only in this tab and was lost when the page reloaded.</p>` : nothing}
    <p>${formats.join(", ")}, up to ${size(maxBytes)}. The file is not stored.</p>
    ${choice("Choose a file")}
  </div>`;

const sending = ({ status, name, bytes, part }) => html`
  <div class="drop">
    <h2>${name}</h2>
    ${status === "sending"
      ? html`<p>Uploading ${size(bytes)} …</p><progress aria-label="Upload progress" max="1" .value=${part}></progress>`
      : html`<p>Analyzing image …</p><progress aria-label="Analyzing image"></progress>`}
    ${button("Cancel", cancel)}
  </div>`;

function uploadSummary({ name, bytes, embedding }) {
  const frames = embedding.frames > 1 ? `, frame ${embedding.frame} of ${embedding.frames}` : "";
  return html`
    <section class="panel uploaded" aria-label="Uploaded file">
      ${preview(embedding.thumbnail)}
      <div>
        <h2 class="name">${name}</h2>
        <p class="quiet">${embedding.format}, ${embedding.columns} × ${embedding.rows}${frames}, ${size(bytes)}</p>
        <p class="quiet">Embedded with ${embedding.modelId}. The file was not stored; its vector is kept only in this tab.</p>
        <div class="tags">${choice("Another file")}${button("Remove", cancel)}</div>
      </div>
    </section>`;
}

/** The overlay of the page while a file is dragged over it. */
export function dropOverlay({ isDropping, loads }) {
  if (!isDropping) return nothing;
  const why = "Search by file is not available on this server";
  return html`<div class="droptarget"><p>${loads.uploads?.data?.uploads ? "Drop the file to search for similar images" : why}</p></div>`;
}
