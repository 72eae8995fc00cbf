"""`medsearch reindex`: a release of the index built beside the current one from Parquet alone, checked, and put in place.

Belongs here: the order of the steps, and when a release may not be published. Not here: reading studies and writing them
(`release_load`), nor what is measured (`medsearch_core.search.verification`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from medsearch_core.errors import ConfigurationError, IndexMismatch, ReleaseUnfit
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import INDEX_SCHEMA_VERSION
from medsearch_core.search.model import Model
from medsearch_core.search.releases import Release, ReleasedIndex, model_slug, superseded
from medsearch_core.search.verification import Verification, verify
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.releases.load import READERS, Load, Watcher
from medsearch_pipeline.studies.documents import models_of, studies_in

NAMED = 20


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was put in place, and what it took.

    Args:
        missing: studies of the warehouse that are not in the release as they are now, each with the reason.
        discarded: earlier releases that were deleted.
    """

    name: str
    is_resumed: bool
    verification: Verification
    loaded_images: int
    loaded_studies: int
    seconds: float
    missing: Mapping[StudyKey, str]
    discarded: Sequence[str]


def reindex(
    warehouse: Warehouse,
    index: ReleasedIndex,
    watcher: Watcher,
    *,
    is_fresh: bool = False,
    may_miss: bool = False,
    least_recall: float = 0.95,
    keep: int = 2,
) -> Published:
    """Builds a release of everything in the warehouse and sends all readers to it.

    Args:
        is_fresh: begin a new release, even if an unfinished one could be gone on with.
        may_miss: publish also without the studies that cannot be read.
        least_recall: least recall@10 with which the release is published.
        keep: published releases that stay, the new one among them.

    Raises:
        ConfigurationError: the warehouse holds no study.
        IndexMismatch: its embeddings are of more than one model.
        ReleaseUnfit: studies are missing, or the release does not hold or find what it should. It is kept, unpublished.
    """
    watcher.step("Looking which model made the embeddings")
    model = _model_in(warehouse)
    name, is_resumed = _release_for(index, model, is_fresh)
    watcher.step(f"{'Going on with' if is_resumed else 'Loading'} release {name}")
    release = index.release(name)
    load = Load(warehouse, release.studies() if is_resumed else {}, watcher)
    load.catch_up(release)
    load.catch_up_new(release)  # the first took its time: what came meanwhile need not wait for the moment of publishing
    if load.missing and not may_miss:
        raise ReleaseUnfit(without(name, load.missing))
    watcher.step("Bringing it into the form it is searched in")
    index.finish(name)
    watcher.step("Checking it")
    verification = verify(release, load.expected(), load.image_ids())
    if faults := verification.problems(least_recall):
        raise ReleaseUnfit(
            f"release {name} was not published: {'; '.join(faults)}. To build another, run medsearch reindex --fresh; "
            f"to delete this one, medsearch discard {name}"
        )
    watcher.step("Putting it in place")
    index.publish(name, load.catch_up)
    old = [r.name for r in superseded(index.releases(), keep)]
    for one in old:
        index.discard(one)
    return Published(
        name=name,
        is_resumed=is_resumed,
        verification=verification,
        loaded_images=load.images,
        loaded_studies=load.studies,
        seconds=load.seconds,
        missing=load.missing,
        discarded=old,
    )


def resumable(releases: Sequence[Release], model: Model | None) -> str | None:
    """The newest release that was begun for this index schema and model and never published."""
    stem = f"v{INDEX_SCHEMA_VERSION}-{model_slug(model)}"
    unfinished = [r for r in releases if r.published is None and not r.is_current and r.name.rsplit("-", 2)[0] == stem]
    return max(unfinished, key=lambda r: r.created).name if unfinished else None


def only_model(studies_of: Mapping[Model, int]) -> Model | None:
    """The one model of all embeddings; None without images.

    Args:
        studies_of: model → how many studies it embedded.

    Raises:
        IndexMismatch: there is more than one.
    """
    if len(studies_of) > 1:
        told = " and of ".join(f"{model} in {count} studies" for model, count in Counter(studies_of).most_common())
        raise IndexMismatch(
            f"the warehouse holds embeddings of {told}, and an index holds one model's: materialise embeddings again, for all "
            "studies, with the model of MEDSEARCH_MODEL and MEDSEARCH_WEIGHTS"
        )
    return next(iter(studies_of), None)


def without(name: str, missing: Mapping[StudyKey, str]) -> str:
    """Why a release that lacks studies was not published."""
    named = "; ".join(reason for _, reason in sorted(missing.items())[:NAMED])
    more = f"; and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return (
        f"release {name} was not published. Studies of the warehouse that are not in it, {len(missing)} in all: {named}{more}. "
        "Run medsearch reindex again once that is done, or publish without them by --allow-missing"
    )


def _model_in(warehouse: Warehouse) -> Model | None:
    studies = studies_in(warehouse)
    if not studies:
        raise ConfigurationError(
            f"there is no study in {warehouse.store.url}: materialise the study assets, or correct MEDSEARCH_WAREHOUSE"
        )
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda study: models_of(warehouse, study), studies)
        return only_model(Counter(model for models in found for model in models))


def _release_for(index: ReleasedIndex, model: Model | None, is_fresh: bool) -> tuple[str, bool]:
    """The release to load, and whether it was begun earlier."""
    begun = None if is_fresh else resumable(index.releases(), model)
    if begun is None:
        return index.begin(model), False
    index.finish(begun)  # what was written to it may show only then
    health = index.release(begun).health()
    if health.images and model and (health.model_id, health.model_version) != (model.model_id, model.model_version):
        return index.begin(model), False  # two models whose names are cut to the same
    return begun, True
