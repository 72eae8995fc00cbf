// Paints a frame on a canvas: values through a lookup table, or a bitmap as it is. Only the visible part is windowed.

const CRISP_FROM = 16;

/** Creates a painter. It reuses a scratch canvas, so that dragging allocates nothing. */
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

    /** Paints a bitmap at `place`, inverted if `isInverted`. */
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

    /** Paints values at `place`, from the smallest copy with at least one pixel per screen pixel. */
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

/** The best copy, and the size of one of its pixels in screen pixels along each axis. */
function fittingSize({ sizes, width, height }, size) {
  const perPixel = (size * width) / sizes[0].columns;
  const index = Math.min(sizes.length - 1, Math.max(0, Math.floor(-Math.log2(perPixel) + 1e-9)));
  const factor = 2 ** index;
  return { ...sizes[index], sizeX: perPixel * factor, sizeY: ((size * height) / sizes[0].rows) * factor };
}

/** The first visible pixel along an axis, and the one after the last, with one more on each side for interpolation. */
function seen(offset, size, count, length) {
  return [Math.max(0, Math.floor(-offset / size) - 1), Math.min(count, Math.ceil((length - offset) / size) + 1)];
}

/** Interpolates, unless pixels are enlarged so much that the user wants to see each of them. */
function smooth(context, size) {
  context.imageSmoothingEnabled = size < CRISP_FROM;
  context.imageSmoothingQuality = size < 1 ? "high" : "low";
}
