// What part of a picture is looked at. A view is {scale, x, y}: how much larger than fitting, and which point of the picture
// is in the middle, from 0 to 1 along each side. It says the same of an element of any size, and of a smaller copy.
// `picture` and `stage` have a width and a height, in pixels of the picture and of the screen.

export const FIT = Object.freeze({ scale: 1, x: 0.5, y: 0.5 });
const MAX_PIXEL_SIZE = 24;
const MIN_ZOOM_LIMIT = 8;

const within = (number, min, max) => Math.min(max, Math.max(min, number));

/** Screen pixels that a pixel of the picture takes when all of it fits. */
export const fitting = (picture, stage) => Math.min(stage.width / picture.width, stage.height / picture.height);

/** The view nearest to this one that can be shown: the middle stays on the picture, which is centred where all of it is seen. */
export function confined(view, picture, stage) {
  const fit = fitting(picture, stage);
  const scale = within(view.scale, Math.min(1, 1 / fit), Math.max(MIN_ZOOM_LIMIT, MAX_PIXEL_SIZE / fit));
  if (scale <= 1) return { ...FIT, scale };
  return { scale, x: within(view.x, 0, 1), y: within(view.y, 0, 1) };
}

/** Where the picture lies on the stage: screen pixels of one of its pixels, and its corner, on whole screen pixels. */
export function placed(view, picture, stage) {
  const size = fitting(picture, stage) * view.scale;
  return {
    size,
    left: Math.round(stage.width / 2 - view.x * picture.width * size),
    top: Math.round(stage.height / 2 - view.y * picture.height * size),
  };
}

/** The view after zooming, with what is at a point of the stage still there. */
export function zoomed(view, factor, point, picture, stage) {
  const { scale } = confined({ ...view, scale: view.scale * factor }, picture, stage);
  const size = fitting(picture, stage);
  const shift = (offset, length) => (offset / (length * size)) * (1 / view.scale - 1 / scale);
  const x = view.x + shift(point.x - stage.width / 2, picture.width);
  const y = view.y + shift(point.y - stage.height / 2, picture.height);
  return confined({ scale, x, y }, picture, stage);
}

/** The view after the picture was moved by so many screen pixels. */
export function panned(view, dx, dy, picture, stage) {
  const size = fitting(picture, stage) * view.scale;
  return confined({ scale: view.scale, x: view.x - dx / (picture.width * size), y: view.y - dy / (picture.height * size) }, picture, stage);
}

/** The view in which a pixel of the picture is one of the screen. */
export const oneToOne = (view, picture, stage) => confined({ ...view, scale: 1 / fitting(picture, stage) }, picture, stage);

export const isSameView = (one, other) => one.scale === other.scale && one.x === other.x && one.y === other.y;

/** A round length for a scale bar, in mm, that takes at most so many screen pixels. */
export function barLength(mmPerPixel, maxPixels) {
  const maxLength = mmPerPixel * maxPixels;
  const power = 10 ** Math.floor(Math.log10(maxLength));
  return power * [5, 2, 1].find((step) => step * power <= maxLength);
}
