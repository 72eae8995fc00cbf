// Frames over HTTP: values, pictures, and what the service says when it refuses them.

import { parseValues } from "./values.js";

const NONE = 406;

/** The values at most so large; null for an image of colour, which has none. */
export async function fetchValues(address, side, signal) {
  const response = await fetch(sized(address, side), { signal });
  if (response.status === NONE) return null;
  return parseValues(await (await checkResponse(response)).arrayBuffer());
}

/** A picture at most so large. */
export async function fetchPicture(address, side, signal) {
  const response = await checkResponse(await fetch(sized(address, side), { signal }));
  return createImageBitmap(await response.blob(), { colorSpaceConversion: "none" });
}

function sized(address, side) {
  const url = new URL(address, location.href);
  if (side) url.searchParams.set("side", side);
  return url;
}

/** The answer, or an error that says in one sentence why there is none. */
async function checkResponse(response) {
  if (response.ok) return response;
  const isSentence = response.headers.get("content-type")?.startsWith("text/plain");
  throw new Error(isSentence ? await response.text() : `The service answered with status ${response.status}.`);
}

/** A sentence for whatever went wrong. */
export const errorMessage = (error) => (error instanceof TypeError ? "The service cannot be reached." : error.message);
