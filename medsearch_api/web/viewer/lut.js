// Windows as lookup tables from stored values to gray levels (PS3.3 C.11.2.1). Pure.

const STORED = 2 ** 16;
const OPAQUE = 0xff000000;

/** Maps modality values to 0…255 with the named window function. */
export function levels({ center, width }, name) {
  if (name === "SIGMOID") return (value) => 255 / (1 + Math.exp((-4 * (value - center)) / width));
  const [low, high] = name === "LINEAR_EXACT" ? [center - width / 2, center + width / 2] : [center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2];
  if (high <= low) return (value) => (value > low ? 255 : 0);
  return (value) => Math.min(255, Math.max(0, ((value - low) / (high - low)) * 255));
}

/** Maps stored values to opaque gray pixels of ImageData. `isInverted` inverts the header's `lowIsBright`. */
export function grays(header, window, isInverted) {
  const level = levels(window, header.function);
  const isLowBright = header.lowIsBright !== isInverted;
  const table = new Uint32Array(STORED);
  for (let stored = 0; stored < STORED; stored += 1) {
    const shown = level(stored * header.slope + header.intercept);
    table[stored] = OPAQUE + Math.floor((isLowBright ? 255 - shown : shown) + 0.5) * 0x010101;
  }
  return table;
}

/** The narrowest window that the function allows and 16 bits can resolve. */
export const minWidth = (header) => (header.function === "LINEAR" ? 1 : header.slope);

/** Rounds a window: to integers if the values span a wide range. */
export function rounded({ center, width }, header) {
  const step = header.fullRange.width >= 64 ? 1 : 10 ** Math.floor(Math.log10(header.fullRange.width / 1000));
  const near = (number) => Number((Math.round(number / step) * step).toPrecision(12));
  return { center: near(center), width: Math.max(minWidth(header), near(width)) };
}

/** The window after a drag by dx, dy pixels: right widens it, down raises its center. Narrow windows change more slowly. */
export function dragged(window, dx, dy, header) {
  const span = header.fullRange.width;
  const unit = Math.min(span, Math.max(window.width, span / 64)) / 256;
  return rounded({ center: window.center + dy * unit, width: window.width + dx * unit }, header);
}

/** Narrows or widens a window. */
export const scaled = (window, factor, header) => rounded({ center: window.center, width: window.width * factor }, header);

/** Shifts a window so that the image gets brighter (part > 0) or darker, by that fraction of its width. */
export function brightened(window, part, header, isInverted) {
  const direction = header.lowIsBright !== isInverted ? 1 : -1;
  return rounded({ center: window.center + direction * part * window.width, width: window.width }, header);
}

export const isSame = (one, other) => Boolean(one && other) && one.center === other.center && one.width === other.width;
