// The view of two images side by side.

import { html } from "../vendor/lit-html/lit-html.js";
import { comparePlace } from "../place/address.js";
import { go } from "../place/visits.js";
import { loaded } from "../shell/loaded.js";
import { compareView } from "../viewer/compare.js";

const swapped = ([one, other]) => () => go(comparePlace(other, one), { replace: true });

export const compareScreen = (state) => loaded(state, state.loads.compare, "image", ({ one, other }) => one && other && html`
  <h1 tabindex="-1">Side by side</h1>
  ${compareView(one.id === other.id ? [one] : [one, other], { swap: swapped(state.place.ids) })}`);
