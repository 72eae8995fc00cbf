"""What the index holds: counts, models, releases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry

from medsearch_core.errors import NoSuchRelease
from medsearch_core.search.releases import Release, ReleasedIndex, schema_version_of
from medsearch_core.search.results import IndexHealth


@strawberry.type(description="What the index holds, and which model its vectors are of.")
class Index:
    images: int = strawberry.field(description="Images.")
    reports: int = strawberry.field(description="Reports.")
    studies: int = strawberry.field(description="Studies.")
    model_id: str | None = strawberry.field(description="Architecture and weights; null while there is no image.")
    model_version: str | None = strawberry.field(description="Digest of the weights, and the preprocessing's version.")
    dimensions: int | None = strawberry.field(description="Length of a vector.")
    release: str | None = strawberry.field(description="The release that is asked; null before the first.")

    @strawberry.field(description="Version of the index's schema in that release.")
    def schema_version(self) -> int | None:
        return schema_version_of(self.release) if self.release else None

    @classmethod
    def of(cls, health: IndexHealth) -> Self:
        """What an index tells of itself."""
        names = ("images", "reports", "studies", "model_id", "model_version", "dimensions", "release")
        return cls(**{name: getattr(health, name) for name in names})


@strawberry.type(name="Release", description="One generation of the whole index.")
class IndexRelease:
    name: str = strawberry.field(description="Its name.")
    created: datetime = strawberry.field(description="When it was begun.")
    published: datetime | None = strawberry.field(description="When readers were last sent to it; null if they never were.")
    is_current: bool = strawberry.field(description="Whether it is the one that is asked.")
    schema_version: int | None = strawberry.field(description="Version of the index's schema.")
    images: int = strawberry.field(description="Images.")
    reports: int = strawberry.field(description="Reports.")
    studies: int = strawberry.field(description="Studies.")


@strawberry.type(description="A version of the embedding model, and the releases of the index that hold its vectors.")
class ModelVersion:
    model_id: str = strawberry.field(description="Architecture and weights.")
    model_version: str = strawberry.field(description="Digest of the weights, and the preprocessing's version.")
    dimensions: int = strawberry.field(description="Length of a vector.")
    is_current: bool = strawberry.field(description="Whether the release that is asked holds its vectors.")
    releases: list[IndexRelease] = strawberry.field(description="The releases, newest first.")


def model_versions(index: ReleasedIndex) -> list[ModelVersion]:
    """Every model whose vectors a release holds, in the order of their newest releases. Reads every release."""
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
    """What each release holds; one that was deleted meanwhile is passed over."""
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
