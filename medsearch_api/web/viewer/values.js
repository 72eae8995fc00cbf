// A frame's values as sent by the service, and downsampled copies of them for smaller displays.

const MIN_SIDE = 64;

/** Parses a response: uint32 header length, JSON header, uint16 rows (see medsearch_api/imaging/values.py). */
export function parseValues(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const { rows, columns } = header;
  const pixels = new Uint16Array(buffer, 4 + length, rows * columns);
  return { header, sizes: pyramid({ rows, columns, pixels }), width: header.fullColumns, height: header.fullRows };
}

/** The pixels, and their means over 2 × 2, 4 × 4 and so on, down to the smallest useful size. */
function pyramid(base) {
  const sizes = [base];
  for (let last = base; Math.max(last.rows, last.columns) >= 2 * MIN_SIDE; sizes.push(last)) last = halved(last);
  return sizes;
}

/** Means over 2 × 2 pixels; at an odd edge, over the existing ones. */
export function halved({ rows, columns, pixels }) {
  const [height, width] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const means = new Uint16Array(height * width);
  for (let y = 0; y < height; y += 1) {
    const above = 2 * y * columns;
    const below = 2 * y + 1 < rows ? above + columns : above;
    for (let x = 0; x < width; x += 1) {
      const left = 2 * x;
      const right = left + 1 < columns ? left + 1 : left;
      means[y * width + x] = (pixels[above + left] + pixels[above + right] + pixels[below + left] + pixels[below + right] + 2) >> 2;
    }
  }
  return { rows: height, columns: width, pixels: means };
}

/** Loaded pixels per pixel of the full resolution, along an axis: 1 if all are loaded. */
export const resolution = ({ sizes, width }) => sizes[0].columns / width;

/** The modality value at a point of the full-resolution image; null outside. */
export function valueAt({ header, sizes: [{ rows, columns, pixels }], width, height }, x, y) {
  const column = Math.floor((x * columns) / width);
  const row = Math.floor((y * rows) / height);
  if (column < 0 || row < 0 || column >= columns || row >= rows) return null;
  return pixels[row * columns + column] * header.slope + header.intercept;
}
