// The URLs of an image's pixels, and their spacing.

const isGray = (image) => image.detail?.photometricInterpretation?.startsWith("MONOCHROME") ?? true;

/** The URL of an image's values; null if the image is known to be in color and so has none. */
export const valuesUrl = (image) => (isGray(image) ? image.frameUrl.replace(/\.png$/, ".values") : null);

/** The pixel size in mm of its full-resolution rendering, whose pixels are square; null if unknown. */
export const pixelSpacing = (image) => (image.detail?.pixelSpacingMm ? Math.min(...image.detail.pixelSpacingMm) : null);
