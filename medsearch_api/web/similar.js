// Images like the one shown, nearest first.

import { ask } from "./api.js";
import { failure, h, note } from "./dom.js";
import { SIMILAR } from "./queries.js";
import { similar } from "./state.js";
import { imageAddress, present, shown } from "./words.js";

function card({ rank, score, node: image }, patient) {
  const findings = image.report ? present(image.report) : [];
  const picture = h("img", { src: image.thumbnailUrl, alt: shown(image), loading: "lazy", decoding: "async" });
  picture.addEventListener("error", () => picture.replaceWith(h("span", { class: "missing" }, "no picture")));
  return h(
    "li",
    {},
    h(
      "a",
      { class: "tile like", href: imageAddress(image.id), "data-step": true },
      picture,
      image.patient === patient ? h("span", { class: "same" }, "same patient") : null,
      h(
        "span",
        { class: "likeness" },
        h("span", { class: "rank", title: "Rank" }, String(rank)),
        h("span", { class: "score", title: "Cosine similarity" }, score.toFixed(3)),
        h("span", { class: "where" }, image.viewPosition ?? ""),
      ),
      h("span", { class: "codes", title: findings.join("\n") }, findings.join(", ") || "no positive finding"),
    ),
  );
}

/** The panel of images like `image`. It fills itself, and again when its switch is turned. */
export function similarPanel(image) {
  const body = h("div", { class: "likes", "aria-live": "polite" });
  let asked = null;

  async function fill() {
    asked?.abort();
    const mine = (asked = new AbortController());
    body.setAttribute("aria-busy", "true");
    try {
      const exclude = similar.excludeSamePatient ? "PATIENT" : "IMAGE";
      const data = await ask(SIMILAR, { id: image.id, first: similar.first, exclude }, mine.signal);
      const cards = data.similarImages.edges.map((hit) => card(hit, image.patient));
      const nobody = similar.excludeSamePatient ? "No other patient has an image in the index." : "This is the only image in the index.";
      body.replaceChildren(cards.length ? h("ul", { class: "grid" }, cards) : note("No similar image", nobody));
    } catch (error) {
      if (error.name !== "AbortError") body.replaceChildren(failure(error, fill));
    } finally {
      if (asked === mine) body.removeAttribute("aria-busy");
    }
  }

  const box = h("input", { type: "checkbox", role: "switch", id: "others", checked: similar.excludeSamePatient });
  box.addEventListener("change", () => {
    similar.excludeSamePatient = box.checked;
    fill();
  });
  fill();
  return h(
    "section",
    { class: "panel similar", "aria-label": "Similar images" },
    h("div", { class: "titlebar" }, h("h2", {}, "Similar images"), h("label", { class: "switch", for: "others" }, box, "Exclude same patient")),
    body,
  );
}
