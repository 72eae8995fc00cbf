// Reports found, as rows or as a grid of their images.

import { h } from "./dom.js";
import { absent, imageAddress, person, present, reportAddress, shown } from "./words.js";

const SHOWN_IMAGES = 2;

function picture(image, className) {
  const img = h("img", { src: image.thumbnailUrl, alt: shown(image), loading: "lazy", decoding: "async" });
  img.addEventListener("error", () => img.replaceWith(h("span", { class: "missing" }, "no picture")));
  const view = image.viewPosition ? h("span", { class: "view" }, image.viewPosition) : null;
  return h("a", { class: className, href: imageAddress(image.id), "data-step": true }, img, view);
}

function tags(kind, sign, texts) {
  return texts.map((text) => h("li", { class: `tag ${kind}` }, h("span", { "aria-label": kind }, sign), text));
}

function row(report) {
  const images = report.images.nodes.filter((i) => i.isRepresentative);
  const first = images[0];
  const facts = first ? [person(first), first.studyDate].filter(Boolean) : ["no indexed image"];
  const more = images.length - SHOWN_IMAGES;
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "pictures" },
      images.slice(0, SHOWN_IMAGES).map((i) => picture(i, "thumbnail")),
      more > 0 ? h("span", { class: "more" }, `+${more}`) : null,
      images.length ? null : h("span", { class: "thumbnail missing" }, "no picture"),
    ),
    h(
      "div",
      { class: "words" },
      h("p", { class: "facts" }, facts.map((fact) => h("span", {}, fact))),
      h(
        "a",
        { class: "impression", href: first ? imageAddress(first.id) : reportAddress(report.id) },
        report.impression || report.findings || "A report without findings and impression",
      ),
      h("ul", { class: "tags" }, tags("present", "+", present(report)), tags("absent", "−", absent(report))),
    ),
  );
}

export function rows(reports) {
  return h("ol", { class: "rows" }, reports.map(row));
}

export function grid(reports) {
  const images = reports.flatMap((report) => report.images.nodes.filter((i) => i.isRepresentative));
  return h("ul", { class: "grid" }, images.map((i) => h("li", {}, picture(i, "tile"))));
}
