// The message that screen readers announce when it changes, wherever the focus is. Pure.

import { plural } from "../labels.js";

const WAITING = { sending: "Uploading file", reading: "Analyzing image" };

const counted = (slot, say) => (slot?.status === "ready" ? say(slot.data) : "");
const likes = ({ loads }) => counted(loads.similar, ({ similarImages: { edges } }) => plural(edges.length, "similar image"));

const MESSAGES = {
  search: ({ loads }) => counted(loads.search, ({ searchReports }) => plural(searchReports.totalCount, "report")),
  image: likes,
  upload: (state) => WAITING[state.upload.status] ?? (state.upload.status === "ready" ? likes(state) : ""),
};

export function liveMessage(state) {
  const said = MESSAGES[state.route.view]?.(state) ?? "";
  return state.isOnline ? said : `You are offline. ${said}`;
}
