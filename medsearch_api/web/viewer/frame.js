// The loaded data of one frame: its thumbnail, then its values or its rendering, then values in higher resolution.

import { fetchPicture, fetchValues, errorMessage } from "./fetch-frame.js";
import { resolution } from "./values.js";

const FIRST_SIDE = 2048;
const REST_MS = 200;
const UNKNOWN = Object.freeze({ width: 1, height: 1 });

export class Frame {
  values = null;
  picture = null;
  thumbnail = null;
  overlaid = null;
  error = "";

  #addresses;
  #changed;
  #loading = null;
  #waiting = null;
  #isSharpest = false;
  #triedOverlays = false;

  /** `addresses` are the URLs {src, values, thumbnail}, each may be null. `changed()` is called whenever more is loaded. */
  constructor(addresses, changed) {
    this.#addresses = addresses;
    this.#changed = changed;
  }

  get isLoading() {
    return Boolean(this.#loading);
  }

  /** Whether more than the thumbnail is loaded. */
  get isKnown() {
    return Boolean(this.values ?? this.picture);
  }

  /** Whether it is first displayed as a rendering: in color, or through a VOI LUT. */
  get isPicture() {
    return !this.values?.header.isWindowed;
  }

  /** The size of the full-resolution image; of what is loaded, until that is known. */
  get size() {
    const { width, height } = this.values ?? this.picture ?? this.thumbnail ?? UNKNOWN;
    return { width, height };
  }

  async load() {
    await this.#during(async (signal) => {
      this.error = "";
      this.#changed();
      this.#loadThumbnail(signal);
      const { src, values } = this.#addresses;
      const error = await this.#attempt(signal, values, async () => (this.values ??= await fetchValues(values, FIRST_SIDE, signal)));
      if (signal.aborted || !this.isPicture) return;
      this.#changed();
      const worse = await this.#attempt(signal, src, async () => (this.picture ??= await fetchPicture(src, null, signal)));
      this.error = worse || (error && `Windowing is unavailable for this image. ${error}`);
    });
  }

  /** Aborts loading. */
  stop() {
    this.#loading?.abort();
    this.#loading = null;
    clearTimeout(this.#waiting);
  }

  /** Loads values in higher resolution once the zoom (screen pixels per image pixel) has needed them for a while. */
  refine(pixelSize) {
    clearTimeout(this.#waiting);
    if (this.#loading || !this.values || this.#isSharpest) return;
    const held = resolution(this.values);
    if (held < 1 && Math.min(1, pixelSize) > held) this.#waiting = setTimeout(() => this.#loadMore(), REST_MS);
  }

  /** Loads its rendering with overlay planes, once, after all else. */
  async loadOverlays() {
    if (this.#loading || this.#triedOverlays) return;
    this.#triedOverlays = true;
    await this.#during(async (signal) => {
      this.#changed();
      const address = `${this.#addresses.src}?overlays=true`;
      this.error = await this.#attempt(signal, address, async () => (this.overlaid = await fetchPicture(address, null, signal)));
      if (signal.aborted) this.#triedOverlays = false;
    });
  }

  async #loadMore() {
    const [{ rows, columns }] = this.values.sizes;
    const side = 2 * Math.max(rows, columns);
    await this.#during(async (signal) => {
      this.#changed();
      const all = Math.max(this.values.width, this.values.height);
      const error = await this.#attempt(signal, this.#addresses.values, async () => {
        this.values = await fetchValues(this.#addresses.values, side < all ? side : null, signal);
      });
      if (error) this.#isSharpest = true; // keep the current resolution
    });
  }

  async #loadThumbnail(signal) {
    const { thumbnail } = this.#addresses;
    await this.#attempt(signal, thumbnail, async () => (this.thumbnail ??= await fetchPicture(thumbnail, null, signal)));
    this.#changed();
  }

  async #during(work) {
    this.stop();
    const loading = (this.#loading = new AbortController());
    await work(loading.signal);
    if (this.#loading !== loading) return;
    this.#loading = null;
    this.#changed();
  }

  /** Runs `work` and returns its error message; empty if it succeeded or was aborted. */
  async #attempt(signal, address, work) {
    try {
      if (address) await work();
    } catch (error) {
      if (!signal.aborted) return errorMessage(error);
    }
    return "";
  }
}
