// Drag and drop of files, anywhere on the page.

import { change, state } from "../state.js";
import { send } from "./send.js";

const holdsFile = (event) => event.dataTransfer?.types.includes("Files");

const areUploadsAllowed = () => Boolean(state.loads.uploads?.data?.uploads);

export function listenForFiles() {
  let depth = 0; // number of elements entered and not left
  const over = (by) => {
    depth = Math.max(0, depth + by);
    if (depth > 0 !== state.isDropping) change({ isDropping: depth > 0 });
  };
  window.addEventListener("dragenter", (event) => holdsFile(event) && over(1));
  window.addEventListener("dragleave", (event) => holdsFile(event) && over(-1));
  window.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = areUploadsAllowed() ? "copy" : "none";
  });
  window.addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    over(-depth);
    const [file] = event.dataTransfer.files;
    if (file && areUploadsAllowed()) send(file);
  });
}
