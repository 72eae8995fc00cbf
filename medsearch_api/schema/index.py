"""The contents of the index: counts, models and releases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry

from medsearch_core.errors import NoSuchRelease
from medsearch_core.search.releases import Release, ReleasedIndex, schema_version_of
from medsearch_core.search.results import IndexHealth


@strawberry.type(description="The contents of the index, and the model of its vectors.")
class Index:
    images: int = strawberry.field(description="Number of images.")
    reports: int = strawberry.field(description="Number of reports.")
    studies: int = strawberry.field(description="Number of studies.")
    model_id: str | None = strawberry.field(description="Architecture and weights; null if there are no images.")
    model_version: str | None = strawberry.field(description="Digest of the weights, and version of the preprocessing.")
    dimensions: int | None = strawberry.field(description="Vector length.")
    release: str | None = strawberry.field(description="The current release; null before the first.")

    @strawberry.field(description="Schema version of that index release.")
    def schema_version(self) -> int | None:
        return schema_version_of(self.release) if self.release else None

    @classmethod
    def of(cls, health: IndexHealth) -> Self:
        """Create it from an index's health."""
        names = ("images", "reports", "studies", "model_id", "model_version", "dimensions", "release")
        return cls(**{name: getattr(health, name) for name in names})


@strawberry.type(name="Release", description="One build of the whole index.")
class IndexRelease:
    name: str = strawberry.field(description="The release's name.")
    created: datetime = strawberry.field(description="When the build started.")
    published: datetime | None = strawberry.field(description="When it last became current; null if it never was.")
    is_current: bool = strawberry.field(description="Whether it is the current release.")
    schema_version: int | None = strawberry.field(description="Schema version of the index.")
    images: int = strawberry.field(description="Number of images.")
    reports: int = strawberry.field(description="Number of reports.")
    studies: int = strawberry.field(description="Number of studies.")


@strawberry.type(description="A version of the embedding model, and the index releases with its vectors.")
class ModelVersion:
    model_id: str = strawberry.field(description="Architecture and weights.")
    model_version: str = strawberry.field(description="Digest of the weights, and version of the preprocessing.")
    dimensions: int = strawberry.field(description="Vector length.")
    is_current: bool = strawberry.field(description="Whether the current release has its vectors.")
    releases: list[IndexRelease] = strawberry.field(description="The releases, newest first.")


def model_versions(index: ReleasedIndex) -> list[ModelVersion]:
    """Return every model that has vectors in some release, the newest release's first. Reads every release."""
    releases_by_model: dict[tuple[str, str, int], list[IndexRelease]] = {}
    for release, health in _release_healths(index, index.releases()):
        if health.model_id is not None and health.model_version is not None and health.dimensions is not None:
            releases_by_model.setdefault((health.model_id, health.model_version, health.dimensions), []).append(
                _release(release, health)
            )
    return [
        ModelVersion(
            model_id=model_id,
            model_version=version,
            dimensions=dimensions,
            is_current=any(r.is_current for r in releases),
            releases=releases,
        )
        for (model_id, version, dimensions), releases in releases_by_model.items()
    ]


def _release_healths(index: ReleasedIndex, releases: Sequence[Release]) -> list[tuple[Release, IndexHealth]]:
    """Return the health of each release, skipping those that were deleted in the meantime."""
    healths = []
    for release in releases:
        try:
            healths.append((release, index.release(release.name).health()))
        except NoSuchRelease:
            continue
    return healths


def _release(release: Release, health: IndexHealth) -> IndexRelease:
    return IndexRelease(
        name=release.name,
        created=release.created,
        published=release.published,
        is_current=release.is_current,
        schema_version=schema_version_of(release.name),
        images=health.images,
        reports=health.reports,
        studies=health.studies,
    )
