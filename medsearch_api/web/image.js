// The view of one image: the picture, what is known of it, its report, and images like it.

import { ask } from "./api.js";
import { failure, h, note } from "./dom.js";
import { IMAGE, REPORT_ALONE } from "./queries.js";
import { reportPanel } from "./report.js";
import { similarPanel } from "./similar.js";
import { imageAddress, person, shown } from "./words.js";

const back = () => h("a", { class: "back", href: "#/" }, "← Results");

function facts(image) {
  const detail = image.detail;
  const spacing = detail?.pixelSpacingMm?.map((mm) => mm.toFixed(3)).join(" × ");
  return [
    ["Patient", person(image)],
    ["Study date", image.studyDate],
    ["Description", detail?.studyDescription],
    ["View", [image.viewPosition, image.laterality].filter(Boolean).join(" ")],
    ["Modality", [image.modality, image.bodyPartExamined].filter(Boolean).join(" ")],
    ["Matrix", detail && `${detail.columns} × ${detail.rows}${detail.bitsStored ? `, ${detail.bitsStored} bit` : ""}`],
    ["Frame", detail && detail.frames > 1 && `${detail.frame} of ${detail.frames}`],
    ["Photometric", detail?.photometricInterpretation],
    ["Spacing", spacing && `${spacing} mm`],
    ["Tube voltage", detail?.kvp && `${detail.kvp} kV`],
    ["Device", detail && [detail.manufacturer, detail.manufacturerModelName].filter(Boolean).join(" ")],
    ["Burned-in text", detail?.burnedInAnnotation === "YES" && "yes"],
    ["Keys", `${image.patient} / ${image.study}`],
  ].filter(([, value]) => value);
}

function provenance({ provenance: from, id }) {
  const rows = [["Image", id], ["Source", from.sourceKey], ["SHA-256", from.sha256], ["Model", from.modelId], ["Version", from.modelVersion]];
  return h("details", { class: "provenance" }, h("summary", {}, "Provenance"), definitions(rows.filter(([, value]) => value)));
}

const definitions = (rows) => h("dl", {}, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

function siblings(image) {
  const images = image.report?.images.nodes ?? [];
  if (images.length < 2) return null;
  const links = images.map((i) =>
    h(
      "a",
      { href: imageAddress(i.id), "aria-current": i.id === image.id ? "true" : null, "data-step": true },
      h("img", { src: i.thumbnailUrl, alt: shown(i) }),
      i.viewPosition ?? "",
    ),
  );
  return h("nav", { class: "siblings", "aria-label": "Images of this study" }, links);
}

function pictureOf(image) {
  const img = h("img", { class: "large", src: image.thumbnailUrl, alt: shown(image) });
  img.addEventListener("error", () => img.replaceWith(h("span", { class: "large missing" }, "The picture is not there.")));
  return h("figure", {}, h("div", { class: "lightbox" }, img), siblings(image), h("figcaption", {}, "Preview. Not for diagnosis."));
}

async function shownWhenRead(load) {
  const view = h("div", { class: "imageview", "aria-busy": "true" }, back());
  const fill = async () => {
    try {
      view.replaceChildren(back(), ...(await load()));
    } catch (error) {
      view.replaceChildren(back(), failure(error, fill));
    }
    view.removeAttribute("aria-busy");
  };
  await fill();
  return view;
}

/** The view of an image. */
export function imageView(id) {
  return shownWhenRead(async () => {
    const { image } = await ask(IMAGE, { id });
    if (!image) return [note("No such image", "It is not in the index, or no longer.")];
    const about = h("section", { class: "panel about", "aria-label": "About this image" }, h("h2", {}, "Image"), definitions(facts(image)), provenance(image));
    const report = image.report ? reportPanel(image.report) : h("section", { class: "panel" }, h("h2", {}, "Report"), h("p", { class: "quiet" }, "This study has no report."));
    return [h("div", { class: "upper" }, pictureOf(image), h("div", { class: "sheets" }, report, about)), similarPanel(image)];
  });
}

/** The view of a report that has no image. */
export function reportView(id) {
  return shownWhenRead(async () => {
    const { report } = await ask(REPORT_ALONE, { id });
    return [report ? reportPanel(report) : note("No such report", "It is not in the index, or no longer.")];
  });
}
