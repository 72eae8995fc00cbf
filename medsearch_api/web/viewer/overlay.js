// The viewer's overlay: window, zoom, value under the pointer, scale bar, progress and errors.

import { element } from "./elements.js";
import { barLength } from "./view.js";
import { formatLength, formatNumber, formatPercent } from "./numbers.js";

const BAR_PIXELS = 120;

const unitOf = (header) => (header?.unit ? ` ${header.unit}` : "");

/** The overlay's elements, and functions that update them. */
export function overlay({ again }) {
  const state = element("span", { class: "preview" });
  const windowing = element("span", { class: "windowing" });
  const zoom = element("span", { class: "zoom" });
  const value = element("span", { class: "value" });
  const barText = element("span");
  const bar = element("span", { class: "scalebar", hidden: "" }, barText, element("i"));
  const progress = element("div", { class: "progress", role: "progressbar", "aria-label": "Loading the image", hidden: "" });
  const error = element("p", { class: "fault", role: "alert", hidden: "" });
  const retry = element("button", { type: "button" }, "Try again");
  let announced = "";
  retry.addEventListener("click", again);

  return {
    parts: [
      progress,
      element("div", { class: "corner", "data-at": "top left" }, state),
      element("div", { class: "corner", "data-at": "bottom left" }, windowing, zoom),
      element("div", { class: "corner", "data-at": "bottom right" }, value, bar),
      error,
    ],

    showWindow(header, window, isInverted) {
      const numbers = window && `C ${formatNumber(window.center)}  W ${formatNumber(window.width)}${unitOf(header)}`;
      const shown = header ? (numbers ?? "VOI LUT") : "";
      windowing.textContent = isInverted && shown ? `${shown}  inverted` : shown;
    },

    showZoom(ratio) {
      zoom.textContent = ratio ? formatPercent(ratio) : "";
    },

    showValue(header, found) {
      value.textContent = found ? `${found.x}, ${found.y}  ${found.isMean ? "≈ " : ""}${formatNumber(found.value)}${unitOf(header)}` : "";
    },

    /** `mmPerPixel` is in CSS pixels, or null. */
    showScale(mmPerPixel) {
      bar.hidden = !mmPerPixel;
      if (!mmPerPixel) return;
      const mm = barLength(mmPerPixel, BAR_PIXELS);
      barText.textContent = formatLength(mm);
      bar.lastChild.style.width = `${mm / mmPerPixel}px`;
    },

    showLoading(isLoading, isPreview) {
      progress.hidden = !isLoading;
      state.textContent = isPreview ? "Preview" : "";
    },

    /** An unchanged message is not announced again. */
    showError(sentence) {
      if (sentence === announced) return;
      announced = sentence;
      error.hidden = !sentence;
      error.replaceChildren(...(sentence ? [element("span", {}, sentence), retry] : []));
    },
  };
}
