// Similar images, nearest first, each with its score.

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { setSimilarFilters } from "../actions.js";
import { STEPS, formatRoute, noSimilarFilters, nextImageRoute } from "../router/routes.js";
import { isSimilarFiltered } from "../router/filters.js";
import { button, failure, note, skeleton } from "../shell/notes.js";
import { compareLink, thumbnail } from "../shell/thumbnails.js";
import { plural, visibleFindings } from "../labels.js";
import { similarFilterBar, suggestedCodes } from "./filters.js";

const SCORES = "Scores are cosine similarities, not probabilities.";

function card({ rank, score, node }, route, image) {
  const said = node.report ? visibleFindings(node.report) : [];
  const isOfPatient = node.patient === image?.patient;
  return html`
    <li class="like">
      <a class="tile" href=${formatRoute(nextImageRoute(route, node.id))} data-step data-key=${node.id} data-image=${node.id}>
        <span class="frame">${thumbnail(node)}${isOfPatient ? html`<span class="same">same patient</span>` : nothing}</span>
        <span class="likeness">
          <span class="rank" title="Rank">${rank}</span><span class="score" title="Cosine similarity">${score.toFixed(3)}</span>
          <span class="where">${node.viewPosition ?? ""}</span>
        </span>
        <span class="scorebar" aria-hidden="true"><span .style=${`width: ${100 * Math.max(0, score)}%`}></span></span>
        <span class="codes" title=${said.join("\n")}>${said.join(", ") || (node.report ? "no positive findings" : "no report")}</span>
      </a>
      ${image ? compareLink(image.id, node.id, `Compare with result ${rank}`) : nothing}
    </li>`;
}

/** How many images are shown: of all that match, or the nearest ones where not all of them can be shown. */
export const countText = (shown, total) => (total > STEPS.at(-1) ? `The ${shown} most similar images` : `${shown} of ${plural(total, "image")}`);

/** The panel of images similar to `image`, or to an uploaded file. `own` are the codes in the image's own report. */
export function similarPanel(state, image, own = []) {
  const { route } = state;
  const { data, status, error } = state.loads.similar ?? {};
  const edges = data?.similarImages.edges ?? [];
  return html`
    <section class="similar" aria-labelledby="similar-title">
      <div class="titlebar">
        <h2 id="similar-title">Similar images</h2>
        <p class="quiet">${data ? `${countText(edges.length, data.similarImages.totalCount)}. ${SCORES}` : ""}</p>
        ${similarFilterBar(state, image, suggestedCodes(own, edges.map((e) => e.node)))}
      </div>
      <div class="likes" aria-busy=${status === "loading"}>
        ${status === "failed" ? failure(error) : data ? found(data.similarImages, route, image) : skeleton.tiles(12)}
      </div>
    </section>`;
}

function found({ edges, totalCount }, route, image) {
  if (!edges.length) return none(route.like);
  const cards = repeat(edges, (e) => e.node.id, (e) => card(e, route, image));
  return html`<ul class="grid">${cards}</ul>${more(route, edges.length, totalCount)}`;
}

function more(route, shown, total) {
  const next = STEPS.find((step) => step > route.like.shown);
  if (!next || shown < route.like.shown || total <= shown) return nothing;
  return html`<p class="pager">${button("Show more", () => setSimilarFilters({ ...route.like, shown: next }))}</p>`;
}

function none(like) {
  if (!isSimilarFiltered(like)) return note("No similar images", "This is the only image in the index.");
  return note("No similar images", "No images match these filters.", button("Clear filters", () => setSimilarFilters(noSimilarFilters())));
}
