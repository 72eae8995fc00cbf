// The URLs of an image's pixels, and the unit and spacing of its values.

const isGray = (image) => image.detail?.photometricInterpretation?.startsWith("MONOCHROME") ?? true;

/** The URL of an image's values; null if the image is known to be in color and so has none. */
export const valuesUrl = (image) => (isGray(image) ? image.frameUrl.replace(/\.png$/, ".values") : null);

/** The unit of its values, if the modality defines one (PS3.3 C.8.2.1.1.2). */
export const valueUnit = (image) => (image.modality === "CT" && isGray(image) ? "HU" : null);

/** The pixel size in mm of its full-resolution rendering, whose pixels are square; null if unknown. */
export const pixelSpacing = (image) => (image.detail?.pixelSpacingMm ? Math.min(...image.detail.pixelSpacingMm) : null);
