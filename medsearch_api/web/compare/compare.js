// The side-by-side view of two images.

import { html } from "../vendor/lit-html/lit-html.js";
import { compareRoute } from "../router/routes.js";
import { go } from "../router/history.js";
import { detailPage } from "../shell/detail-page.js";
import { compareView } from "../viewer/compare.js";

const swapped = ([one, other]) => () => go(compareRoute(other, one), { replace: true });

export const compareScreen = (state) => detailPage(state, state.loads.compare, "image", ({ one, other }) => one && other && html`
  <h1 tabindex="-1">Side by side</h1>
  ${compareView(one.id === other.id ? [one] : [one, other], { swap: swapped(state.route.ids) })}`);
