// Where the pixels of an image of the GraphQL API are, and what its values mean.

const isGray = (image) => image.detail?.photometricInterpretation?.startsWith("MONOCHROME") ?? true;

/** The address of an image's values; null if it is known to be one of colour, which has none. */
export const valuesUrl = (image) => (isGray(image) ? image.frameUrl.replace(/\.png$/, ".values") : null);

/** The unit of its values, where the modality fixes it (PS3.3 C.8.2.1.1.2). */
export const valueUnit = (image) => (image.modality === "CT" && isGray(image) ? "HU" : null);

/** Millimetres of a pixel of its full picture, whose pixels are square; null if unknown. */
export const pixelSpacing = (image) => (image.detail?.pixelSpacingMm ? Math.min(...image.detail.pixelSpacingMm) : null);
