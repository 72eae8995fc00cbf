// The visible part of an image. A view is {scale, x, y}: the zoom relative to fitting, and the image point in the center, from 0
// to 1 along each side. It is independent of the element's size and of the image's resolution.
// `picture` and `stage` have a width and a height, in image pixels and screen pixels.

export const FIT = Object.freeze({ scale: 1, x: 0.5, y: 0.5 });
const MAX_PIXEL_SIZE = 24;
const MIN_ZOOM_LIMIT = 8;

const within = (number, min, max) => Math.min(max, Math.max(min, number));

/** Screen pixels per image pixel when the whole image fits. */
export const fitting = (picture, stage) => Math.min(stage.width / picture.width, stage.height / picture.height);

/** The nearest allowed view: its center stays on the image, and an image that fits is centered. */
export function confined(view, picture, stage) {
  const fit = fitting(picture, stage);
  const scale = within(view.scale, Math.min(1, 1 / fit), Math.max(MIN_ZOOM_LIMIT, MAX_PIXEL_SIZE / fit));
  if (scale <= 1) return { ...FIT, scale };
  return { scale, x: within(view.x, 0, 1), y: within(view.y, 0, 1) };
}

/** The image's position on the stage: screen pixels per image pixel, and its corner in whole screen pixels. */
export function placed(view, picture, stage) {
  const size = fitting(picture, stage) * view.scale;
  return {
    size,
    left: Math.round(stage.width / 2 - view.x * picture.width * size),
    top: Math.round(stage.height / 2 - view.y * picture.height * size),
  };
}

/** The view after zooming around a point of the stage. */
export function zoomed(view, factor, point, picture, stage) {
  const { scale } = confined({ ...view, scale: view.scale * factor }, picture, stage);
  const size = fitting(picture, stage);
  const shift = (offset, length) => (offset / (length * size)) * (1 / view.scale - 1 / scale);
  const x = view.x + shift(point.x - stage.width / 2, picture.width);
  const y = view.y + shift(point.y - stage.height / 2, picture.height);
  return confined({ scale, x, y }, picture, stage);
}

/** The view after moving the image by dx, dy screen pixels. */
export function panned(view, dx, dy, picture, stage) {
  const size = fitting(picture, stage) * view.scale;
  return confined({ scale: view.scale, x: view.x - dx / (picture.width * size), y: view.y - dy / (picture.height * size) }, picture, stage);
}

/** The view in which one image pixel is one screen pixel. */
export const oneToOne = (view, picture, stage) => confined({ ...view, scale: 1 / fitting(picture, stage) }, picture, stage);

export const isSameView = (one, other) => one.scale === other.scale && one.x === other.x && one.y === other.y;

/** A round length in mm for a scale bar of at most `maxPixels` screen pixels. */
export function barLength(mmPerPixel, maxPixels) {
  const maxLength = mmPerPixel * maxPixels;
  const power = 10 ** Math.floor(Math.log10(maxLength));
  return power * [5, 2, 1].find((step) => step * power <= maxLength);
}
