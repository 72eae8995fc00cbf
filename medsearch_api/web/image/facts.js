// An image's attributes and provenance.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { demographics } from "../labels.js";

const definition = ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
const definitions = (rows) => html`<dl>${rows.filter(([, value]) => value).map(definition)}</dl>`;

function attributes(image) {
  const detail = image.detail;
  return [
    ["Patient", demographics(image)],
    ["Study date", image.studyDate],
    ["Description", detail?.studyDescription],
    ["View", [image.viewPosition, image.laterality].filter(Boolean).join(" ")],
    ["Modality", [image.modality, image.bodyPartExamined].filter(Boolean).join(" ")],
    ["Matrix size", detail && `${detail.columns} × ${detail.rows}${detail.bitsStored ? `, ${detail.bitsStored} bit` : ""}`],
    ["Frame", detail && detail.frames > 1 && `${detail.frame} of ${detail.frames}`],
    ...(detail?.attributes ?? []).map(({ label, value, unit }) => [label, unit ? `${value} ${unit}` : value]),
    ["Burned-in text", detail?.burnedInAnnotation === "YES" && "yes"],
    ["Study key", `${image.patient} / ${image.study}`],
  ];
}

function provenance({ provenance: from, id }) {
  const runs = (from.materialisations ?? []).map(({ asset, runId }) => [asset, `run ${runId}`]);
  const image = [["Image", id], ["Source", from.sourceKey], ["SHA-256", from.sha256]];
  const rows = [...image, ["Model", from.modelId], ["Version", from.modelVersion], ...runs];
  return html`<details class="provenance"><summary>Provenance</summary>${definitions(rows)}</details>`;
}

export const factsPanel = (image) => html`
  <section class="panel about" aria-label="About this image">
    <h2>Image</h2>${definitions(attributes(image))}${image.provenance ? provenance(image) : nothing}
  </section>`;
