// Fetches values and renderings of frames, and extracts the service's error messages.

import { parseValues } from "./values.js";

const NONE = 406;

/** Fetches values, at most `side` on the longer side; null for a color image, which has none. */
export async function fetchValues(address, side, signal) {
  const response = await fetch(sized(address, side), { signal });
  if (response.status === NONE) return null;
  return parseValues(await (await checkResponse(response)).arrayBuffer());
}

/** Fetches a rendering, at most `side` pixels on the longer side. */
export async function fetchPicture(address, side, signal) {
  const response = await checkResponse(await fetch(sized(address, side), { signal }));
  return createImageBitmap(await response.blob(), { colorSpaceConversion: "none" });
}

function sized(address, side) {
  const url = new URL(address, location.href);
  if (side) url.searchParams.set("side", side);
  return url;
}

/** Returns a successful response, or throws an error with a one-sentence message. */
async function checkResponse(response) {
  if (response.ok) return response;
  const isSentence = response.headers.get("content-type")?.startsWith("text/plain");
  throw new Error(isSentence ? await response.text() : `The service returned status ${response.status}.`);
}

/** A message for any error. */
export const errorMessage = (error) => (error instanceof TypeError ? "The service is unreachable." : error.message);
