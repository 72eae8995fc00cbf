// Uploading a file to be embedded: a GraphQL multipart request with progress that can be canceled.
// The file and its vector exist only in this tab's memory.

import { Failure, readAnswer, unreachableError } from "../api.js";
import { loadView } from "../view-queries.js";
import { uploadRoute } from "../router/routes.js";
import { go } from "../router/history.js";
import { EMBEDDING } from "../queries.js";
import { change, state } from "../state.js";
import { size } from "../labels.js";

let request = null;
let number = 0;

/** Uploads a file, then shows similar images. */
export function send(file) {
  request?.abort();
  const mine = (request = new XMLHttpRequest());
  const about = { name: file.name, bytes: file.size, number: ++number };
  const put = (changes) => request === mine && change({ upload: { ...about, ...changes } });
  change({ upload: { ...about, status: "sending", part: 0 } });
  go(uploadRoute());
  const limit = state.loads.uploads?.data?.uploads?.maxBytes;
  if (limit && file.size > limit) {
    return put({ status: "failed", error: new Failure("LIMIT_EXCEEDED", `This file has ${size(file.size)}. The limit is ${size(limit)}.`) });
  }
  mine.upload.addEventListener("progress", (event) => event.lengthComputable && put({ status: "sending", part: event.loaded / event.total }));
  mine.upload.addEventListener("load", () => put({ status: "reading" }));
  mine.addEventListener("error", () => put({ status: "failed", error: unreachableError() }));
  mine.addEventListener("load", () => {
    try {
      const { vector, ...embedding } = readAnswer(mine.status, mine.responseText).embedding;
      put({ status: "ready", vector, embedding });
      if (state.route.view === "upload") loadView(state.route);
    } catch (error) {
      put({ status: "failed", error });
    }
  });
  mine.open("POST", "/graphql");
  mine.send(form(file));
}

/** Cancels the upload; nothing is kept. */
export function cancel() {
  request?.abort();
  request = null;
  change({ upload: { status: "none" } });
}

/** The form of the GraphQL multipart request specification. */
function form(file) {
  const parts = new FormData();
  parts.append("operations", JSON.stringify({ query: EMBEDDING, variables: { upload: null } }));
  parts.append("map", JSON.stringify({ 0: ["variables.upload"] }));
  parts.append("0", file);
  return parts;
}
