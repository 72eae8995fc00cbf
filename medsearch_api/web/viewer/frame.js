// What is known of one frame so far: its thumbnail, then its values or its picture, then more of its values.

import { fetchPicture, fetchValues, errorMessage } from "./fetch-frame.js";
import { resolution } from "./values.js";

const FIRST_SIDE = 2048;
const REST_MS = 200;
const UNKNOWN = Object.freeze({ width: 1, height: 1 });

export class Frame {
  values = null;
  picture = null;
  thumbnail = null;
  error = "";

  #addresses;
  #changed;
  #loading = null;
  #waiting = null;
  #isSharpest = false;

  /** `addresses` are {src, values, thumbnail}, each may be null. `changed()` is called whenever more is known. */
  constructor(addresses, changed) {
    this.#addresses = addresses;
    this.#changed = changed;
  }

  get isLoading() {
    return Boolean(this.#loading);
  }

  /** Whether more than the thumbnail is there. */
  get isKnown() {
    return Boolean(this.values ?? this.picture);
  }

  /** Whether it is shown as a picture at first: of colour, or through a VOI LUT. */
  get isPicture() {
    return !this.values?.header.isWindowed;
  }

  /** The size of the full picture; of what is there, until that is known. */
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
      this.error = worse || (error && `This picture cannot be windowed. ${error}`);
    });
  }

  /** Gives up what is being loaded. */
  stop() {
    this.#loading?.abort();
    this.#loading = null;
    clearTimeout(this.#waiting);
  }

  /** Fetches more values, once screen pixels of so many a pixel of the picture are looked at for a while. */
  refine(pixelSize) {
    clearTimeout(this.#waiting);
    if (this.#loading || !this.values || this.#isSharpest) return;
    const held = resolution(this.values);
    if (held < 1 && Math.min(1, pixelSize) > held) this.#waiting = setTimeout(() => this.#loadMore(), REST_MS);
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
      if (error) this.#isSharpest = true; // the picture stays as sharp as it is
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

  /** What went wrong, as a sentence; empty if nothing did, or nobody waits for it any more. */
  async #attempt(signal, address, work) {
    try {
      if (address) await work();
    } catch (error) {
      if (!signal.aborted) return errorMessage(error);
    }
    return "";
  }
}
