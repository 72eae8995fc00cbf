"""`medsearch reindex`: builds a new release of the index from Parquet alone, verifies it, and publishes it.

Belongs here: the order of the steps, and when a release must not be published. Not here: reading and writing studies (`load`),
and what is measured (`medsearch_core.search.verification`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medsearch_core.errors import ReleaseUnfit
from medsearch_core.keys import StudyKey
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.model import Model
from medsearch_core.search.releases import Release, ReleasedIndex, model_slug, superseded
from medsearch_core.search.verification import Verification, verify
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.releases.load import Load, ProgressListener
from medsearch_pipeline.releases.preconditions import count_models, sole_model

NAMED = 20


@dataclass(frozen=True, kw_only=True)
class ReindexResult:
    """The published release, and the work done.

    Args:
        missing: studies of the warehouse whose current state is not in the release, each with the reason.
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
    listener: ProgressListener,
    *,
    fresh: bool = False,
    allow_missing: bool = False,
    min_recall: float = 0.95,
    keep: int = 2,
    studies_by_model: Mapping[Model, int] | None = None,
) -> ReindexResult:
    """Builds a release of everything in the warehouse and publishes it.

    Args:
        fresh: begin a new release, even if an unfinished one could be resumed.
        allow_missing: publish even if some studies cannot be read.
        min_recall: minimum recall@10 for publishing.
        keep: number of published releases to keep, including the new one.
        studies_by_model: result of `count_models`; determined now unless given.

    Raises:
        ConfigurationError: the warehouse holds no study.
        IndexMismatch: its embeddings are from more than one model.
        ReleaseUnfit: studies are missing, or the release fails verification. It is kept, unpublished.
    """
    if studies_by_model is None:
        studies_by_model = count_models(warehouse)
    model = sole_model(studies_by_model)
    name, is_resumed = _release_for(index, model, fresh)
    listener.step(f"{'Resuming' if is_resumed else 'Loading'} release {name}")
    release = index.release(name)
    load = Load(warehouse, release.studies() if is_resumed else {}, listener)
    load.catch_up(release)
    load.load_new(release)  # the first load took time: loads what came meanwhile before publishing
    if load.missing and not allow_missing:
        raise ReleaseUnfit(missing_studies_message(name, load.missing))
    listener.step("Preparing it for search")
    index.finish(name)
    listener.step("Checking it")
    verification = verify(release, load.expected_counts(), load.image_ids())
    if problems := verification.problems(min_recall):
        raise ReleaseUnfit(
            f"release {name} was not published: {'; '.join(problems)}. To build another, run medsearch reindex --fresh; "
            f"to delete this one, medsearch discard {name}"
        )
    listener.step("Publishing it")
    index.publish(name, load.catch_up)
    old = [r.name for r in superseded(index.releases(), keep)]
    for one in old:
        index.discard(one)
    return ReindexResult(
        name=name,
        is_resumed=is_resumed,
        verification=verification,
        loaded_images=load.images,
        loaded_studies=load.studies,
        seconds=load.seconds,
        missing=load.missing,
        discarded=old,
    )


def resumable_release(releases: Sequence[Release], model: Model | None) -> str | None:
    """The newest unpublished release of this index schema and model."""
    stem = f"v{INDEX_SCHEMA_VERSION}-{model_slug(model)}"
    unfinished = [r for r in releases if r.published is None and not r.is_current and r.name.rsplit("-", 2)[0] == stem]
    return max(unfinished, key=lambda r: r.created).name if unfinished else None


def missing_studies_message(name: str, missing: Mapping[StudyKey, str]) -> str:
    """Why a release that lacks studies was not published."""
    named = "; ".join(reason for _, reason in sorted(missing.items())[:NAMED])
    more = f"; and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return (
        f"release {name} was not published, because {len(missing)} studies of the warehouse are not in it: {named}{more}. "
        "Fix them and run medsearch reindex again, or publish without them with --allow-missing"
    )


def _release_for(index: ReleasedIndex, model: Model | None, fresh: bool) -> tuple[str, bool]:
    """The release to load, and whether it was begun earlier."""
    begun = None if fresh else resumable_release(index.releases(), model)
    if begun is None:
        return index.begin(model), False
    index.finish(begun)  # its writes may become visible only then
    health = index.release(begun).health()
    if health.images and model and (health.model_id, health.model_version) != (model.model_id, model.model_version):
        return index.begin(model), False  # two models with the same truncated name
    return begun, True
