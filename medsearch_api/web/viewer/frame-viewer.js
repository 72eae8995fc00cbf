// <frame-viewer src values thumbnail label spacing overlays>: a frame that can be zoomed, panned and windowed.
//
// `src` and `values` are the URLs of its rendering and values, `thumbnail` is displayed until they are loaded, `label` describes
// the image, `spacing` is the pixel size in mm. With `overlays` it has overlay planes, which are displayed on request, in the
// object's own window. `view` is {scale, x, y} (see view.js), `windowing` is {center, width, inverted},
// or null for the default; center and width are null if that is a VOI LUT.
// `viewchange` and `windowchange` report changes made by the user, and only those, with the new value as `detail`.

import { element } from "./elements.js";
import { Frame } from "./frame.js";
import { listen } from "./gestures.js";
import { commandFor } from "./keyboard.js";
import { brightened, dragged, grays, isSame, scaled } from "./lut.js";
import { overlay } from "./overlay.js";
import { painter } from "./painter.js";
import { toolbar } from "./toolbar.js";
import { resolution, valueAt } from "./values.js";
import { FIT, confined, isSameView, oneToOne, panned, placed, zoomed } from "./view.js";

const ZOOM_STEP = 1.25;
const SOURCES = ["src", "values", "thumbnail"];

export class FrameViewer extends HTMLElement {
  static observedAttributes = [...SOURCES, "label", "spacing", "overlays"];

  #view = FIT;
  #window = null;
  #isInverted = false;
  #isOverlaid = false;
  #tool = "pan";

  #frame = new Frame({}, () => {});
  #parts = null;
  #table = null;
  #painting = 0;
  #pointer = null;
  #windowAtStart = null;

  get view() {
    return { ...this.#view };
  }

  set view({ scale, x, y }) {
    this.#view = { scale, x, y };
    this.#moved();
  }

  get windowing() {
    if (!this.#window && !this.#isInverted) return null;
    return { ...(this.#shownWindow ?? { center: null, width: null }), inverted: this.#isInverted };
  }

  set windowing(windowing) {
    const { center = null, width = null, inverted = false } = windowing ?? {};
    this.#window = center === null || width === null ? null : { center, width };
    this.#isInverted = inverted;
    this.#invalidate();
  }

  connectedCallback() {
    if (!this.#parts) this.#build();
    this.#parts.sizes.observe(this.#parts.stage);
    document.addEventListener("fullscreenchange", this.#invalidate);
    if (!this.#frame.isKnown) this.#take();
  }

  disconnectedCallback() {
    this.#parts.sizes.disconnect();
    document.removeEventListener("fullscreenchange", this.#invalidate);
    this.#frame.stop();
  }

  attributeChangedCallback(name, before, after) {
    if (!this.#parts || before === after) return;
    if (name === "label") this.#parts.stage.setAttribute("aria-label", after ?? "");
    if (SOURCES.includes(name)) this.#renew();
    this.#invalidate();
  }

  #build() {
    const canvas = element("canvas");
    const stage = element("div", { class: "stage", tabindex: "0", role: "application", "aria-roledescription": "image viewer", "aria-label": this.getAttribute("label") ?? "" }, canvas);
    const tools = toolbar({ act: (command) => this.#act(command), choose: (window) => this.#windowed(window) });
    const corners = overlay({ again: () => this.#frame.load() });
    const sizes = new ResizeObserver(this.#moved);
    stage.append(...corners.parts);
    this.#parts = { canvas, stage, tools, corners, sizes, painter: painter(canvas) };
    this.replaceChildren(tools.bar, stage);
    this.addEventListener("keydown", (event) => this.#key(event));
    listen(stage, {
      zoom: (factor, point) => this.#zoom(factor, point),
      pan: (dx, dy) => this.#pan(dx, dy),
      beginWindow: () => (this.#windowAtStart = this.#baseWindow),
      window: (dx, dy) => this.#baseWindow && this.#windowed(dragged(this.#windowAtStart ?? this.#baseWindow, dx, dy, this.#frame.values.header)),
      reset: () => this.#reset(),
      hover: (point) => {
        this.#pointer = point;
        this.#showValue();
      },
      isWindowing: () => this.#tool === "window" && Boolean(this.#frame.values),
    });
  }

  /** Resets everything for another image. */
  #renew() {
    this.#view = FIT;
    this.#window = null;
    this.#isInverted = false;
    this.#isOverlaid = false;
    this.#take();
  }

  #take() {
    this.#frame.stop();
    const [src, values, thumbnail] = SOURCES.map((name) => this.getAttribute(name));
    const frame = (this.#frame = new Frame({ src, values, thumbnail }, this.#moved));
    queueMicrotask(() => this.isConnected && this.#frame === frame && frame.load()); // after its other attributes are set
  }

  // Display.

  /** The window that changes start from; null without values. */
  get #baseWindow() {
    const { values } = this.#frame;
    return values && (this.#window ?? values.header.window);
  }

  /** The displayed window; null if the image is displayed without one. */
  get #shownWindow() {
    return this.#window ?? (this.#frame.isPicture ? null : this.#baseWindow);
  }

  /** The bitmap that is displayed instead of values. */
  get #bitmap() {
    const { values, picture, thumbnail, overlaid } = this.#frame;
    if (this.#isOverlaid && overlaid) return overlaid;
    return values && this.#shownWindow ? null : (picture ?? thumbnail);
  }

  get #size() {
    return this.#frame.size;
  }

  get #stage() {
    return { width: this.#parts.canvas.width, height: this.#parts.canvas.height };
  }

  get #place() {
    return placed(confined(this.#view, this.#size, this.#stage), this.#size, this.#stage);
  }

  #moved = () => {
    if (!this.#parts) return;
    const { canvas, stage } = this.#parts;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.max(1, Math.round(stage.clientWidth * ratio)), Math.max(1, Math.round(stage.clientHeight * ratio))];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      this.#paint(); // in this frame: resizing empties a canvas
    }
    this.#invalidate();
    this.#frame.refine(this.#place.size);
    if (this.#isOverlaid) this.#frame.loadOverlays();
  };

  #invalidate = () => {
    if (this.#parts && !this.#painting) {
      this.#painting = requestAnimationFrame(() => {
        this.#painting = 0;
        this.#paint();
        this.#describe();
      });
    }
  };

  #paint() {
    const { painter } = this.#parts;
    const { values } = this.#frame;
    const bitmap = this.#bitmap;
    const isColor = Boolean(this.#frame.picture && !values);
    if (bitmap) painter.picture(bitmap, this.#size, this.#place, this.#isInverted && !isColor);
    else if (values) painter.values(values, this.#grays(values.header), this.#place);
    else painter.clear();
  }

  #grays(header) {
    const [window, isInverted, held] = [this.#baseWindow, this.#isInverted, this.#table];
    const isHeld = held?.header === header && held.isInverted === isInverted && isSame(held.window, window);
    if (!isHeld) this.#table = { header, window, isInverted, grays: grays(header, window, isInverted) };
    return this.#table.grays;
  }

  #describe() {
    const { tools, corners, stage } = this.#parts;
    const frame = this.#frame;
    const header = frame.values?.header ?? null;
    const { size } = this.#place;
    const [isInverted, isOverlaid, tool] = [this.#isInverted, this.#isOverlaid, this.#tool];
    const hasOverlays = this.hasAttribute("overlays");
    tools.show({ header, window: this.#window, isInverted, isOverlaid, hasOverlays, tool, isFullScreen: document.fullscreenElement === this });
    corners.showWindow(isOverlaid ? null : header, this.#shownWindow, isInverted);
    corners.showZoom(frame.isKnown ? size : null);
    corners.showLoading(frame.isLoading, !frame.isKnown && Boolean(frame.thumbnail));
    corners.showScale(frame.isKnown ? (Number(this.getAttribute("spacing")) / size) * devicePixelRatio : null);
    corners.showError(frame.error);
    stage.toggleAttribute("data-windowing", tool === "window" && Boolean(header));
    stage.toggleAttribute("data-zoomed", this.#isZoomed);
    this.toggleAttribute("data-ready", frame.isKnown && !frame.isLoading);
    this.#showValue();
  }

  #showValue() {
    const { corners } = this.#parts;
    const { values } = this.#frame;
    if (!this.#pointer || !values) return corners.showValue(null, null);
    const { size, left, top } = this.#place;
    const x = Math.floor((this.#pointer.x * devicePixelRatio - left) / size);
    const y = Math.floor((this.#pointer.y * devicePixelRatio - top) / size);
    const value = valueAt(values, x, y);
    corners.showValue(values.header, value === null ? null : { x, y, value, isMean: resolution(values) < 1 });
  }

  // User actions.

  get #isZoomed() {
    return confined(this.#view, this.#size, this.#stage).scale > 1;
  }

  #looked(view) {
    if (isSameView(view, this.#view)) return;
    this.#view = view;
    this.#moved();
    this.dispatchEvent(new CustomEvent("viewchange", { bubbles: true, detail: this.view }));
  }

  #zoom(factor, point) {
    const ratio = devicePixelRatio;
    const { width, height } = this.#stage;
    const about = point ? { x: point.x * ratio, y: point.y * ratio } : { x: width / 2, y: height / 2 };
    this.#looked(zoomed(confined(this.#view, this.#size, this.#stage), factor, about, this.#size, this.#stage));
  }

  #pan(dx, dy) {
    if (this.#isZoomed) this.#looked(panned(this.#view, dx * devicePixelRatio, dy * devicePixelRatio, this.#size, this.#stage));
  }

  #windowed(window, isInverted = this.#isInverted) {
    if (!this.#frame.values || (isInverted === this.#isInverted && (window === this.#window || isSame(window, this.#window)))) return;
    this.#window = window && { center: window.center, width: window.width };
    this.#isInverted = isInverted;
    this.#invalidate();
    this.dispatchEvent(new CustomEvent("windowchange", { bubbles: true, detail: this.windowing }));
  }

  #reset() {
    this.#looked(FIT);
    this.#windowed(null, false);
  }

  #key(event) {
    const command = commandFor(event, this.#isZoomed);
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    this.#act(...command);
  }

  #act(command, ...details) {
    const header = this.#frame.values?.header;
    const base = this.#baseWindow;
    const commands = {
      zoomIn: () => this.#zoom(ZOOM_STEP),
      zoomOut: () => this.#zoom(1 / ZOOM_STEP),
      fit: () => this.#looked(FIT),
      oneToOne: () => this.#looked(oneToOne(this.#view, this.#size, this.#stage)),
      pan: (dx, dy) => this.#pan(dx, dy),
      reset: () => this.#reset(),
      invert: () => this.#windowed(this.#window, !this.#isInverted),
      overlays: () => {
        if (!this.hasAttribute("overlays")) return;
        this.#isOverlaid = !this.#isOverlaid;
        this.#moved();
      },
      widen: (factor) => base && this.#windowed(scaled(base, factor, header)),
      brighten: (part) => base && this.#windowed(brightened(base, part, header, this.#isInverted)),
      toggleTool: () => {
        this.#tool = this.#tool === "window" ? "pan" : "window";
        this.#invalidate();
      },
      fullScreen: () => (document.fullscreenElement === this ? document.exitFullscreen() : this.requestFullscreen()),
    };
    commands[command](...details);
  }
}

customElements.define("frame-viewer", FrameViewer);
