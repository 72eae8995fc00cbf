// A frame on a canvas: values through a lookup table, or a picture as it is. Only what is seen is windowed.

const CRISP_FROM = 16;

/** Keeps a scratch canvas, so that a drag allocates nothing. */
export function painter(canvas) {
  const context = canvas.getContext("2d", { alpha: false });
  const scratch = new OffscreenCanvas(1, 1);
  const scratchContext = scratch.getContext("2d", { alpha: false });
  let data = null;

  function clear() {
    context.globalCompositeOperation = "source-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }

  function scratchData(width, height) {
    if (scratch.width < width) scratch.width = width;
    if (scratch.height < height) scratch.height = height;
    if (data?.width !== width || data.height !== height) data = scratchContext.createImageData(width, height);
    return data;
  }

  return {
    clear,

    /** A picture in `place`; its levels turned round if `isInverted`. */
    picture(bitmap, picture, place, isInverted) {
      clear();
      const [width, height] = [picture.width * place.size, picture.height * place.size];
      smooth(context, width / bitmap.width);
      context.drawImage(bitmap, place.left, place.top, width, height);
      if (!isInverted) return;
      context.globalCompositeOperation = "difference";
      context.fillStyle = "#fff";
      context.fillRect(place.left, place.top, width, height);
    },

    /** Values in `place`, from the smallest copy that has a pixel for each of the screen's. */
    values(values, table, place) {
      clear();
      const { columns, rows, pixels, sizeX, sizeY } = fittingSize(values, place.size);
      const [x, endX] = seen(place.left, sizeX, columns, canvas.width);
      const [y, endY] = seen(place.top, sizeY, rows, canvas.height);
      const [width, height] = [endX - x, endY - y];
      if (width <= 0 || height <= 0) return;
      const shown = scratchData(width, height);
      const grays = new Uint32Array(shown.data.buffer);
      for (let row = 0, to = 0; row < height; row += 1) {
        let from = (y + row) * columns + x;
        for (const end = to + width; to < end; to += 1, from += 1) grays[to] = table[pixels[from]];
      }
      scratchContext.putImageData(shown, 0, 0);
      smooth(context, sizeX);
      context.drawImage(scratch, 0, 0, width, height, place.left + x * sizeX, place.top + y * sizeY, width * sizeX, height * sizeY);
    },
  };
}

/** One of the sizes, and how many screen pixels one of its pixels takes along each axis. */
function fittingSize({ sizes, width, height }, size) {
  const perPixel = (size * width) / sizes[0].columns;
  const index = Math.min(sizes.length - 1, Math.max(0, Math.floor(-Math.log2(perPixel) + 1e-9)));
  const factor = 2 ** index;
  return { ...sizes[index], sizeX: perPixel * factor, sizeY: ((size * height) / sizes[0].rows) * factor };
}

/** The first pixel that is seen along an axis, and the one after the last, with one more on each side to blend with. */
function seen(offset, size, count, length) {
  return [Math.max(0, Math.floor(-offset / size) - 1), Math.min(count, Math.ceil((length - offset) / size) + 1)];
}

/** Pixels are blended, except when they are enlarged so far that somebody wants to see them one by one. */
function smooth(context, size) {
  context.imageSmoothingEnabled = size < CRISP_FROM;
  context.imageSmoothingQuality = size < 1 ? "high" : "low";
}
