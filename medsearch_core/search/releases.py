"""`ReleasedIndex`: an index whose new releases are built beside the current one, then published or rolled back atomically.

Belongs here: what a release is and how releases are named, published and retired. Not here: what goes into one
(`medsearch_pipeline.releases`), nor how it is checked (`verification`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from medsearch_core.errors import IndexMismatch, NoSuchRelease
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.model import Model


@dataclass(frozen=True, kw_only=True)
class Release:
    """One generation of the whole index. `published` is when it last became current; None if it never was."""

    name: str
    created: datetime
    published: datetime | None
    is_current: bool


class ReleasedIndex(SearchIndex, Protocol):
    """As a `SearchIndex` it reads and writes the current release; the first write creates one if there is none."""

    def releases(self) -> Sequence[Release]:
        """All releases, the newest first."""

    def current(self) -> str | None:
        """The name of the current release; None before the first."""

    def begin(self, model: Model | None) -> str:
        """Creates an empty, unpublished release for a model's images; returns its name."""

    def release(self, name: str) -> SearchIndex:
        """Reads and writes this release, current or not. Writes to a release that was never published may be visible only
        after `finish`.

        Raises:
            NoSuchRelease: there is none of that name.
        """

    def finish(self, name: str) -> None:
        """Prepares a loaded release for searching.

        Raises:
            NoSuchRelease: there is none of that name.
        """

    def publish(self, name: str, catch_up: Callable[[SearchIndex], object] | None = None) -> None:
        """Makes a release current for all readers and writers in one step.

        Args:
            catch_up: updates the release first, while nothing else writes: it may write only to the given release, and to
                this index from the same thread.

        Raises:
            NoSuchRelease: there is none of that name.
        """

    def discard(self, name: str) -> None:
        """Deletes a release that is not the current one.

        Raises:
            NoSuchRelease: there is none of that name, or it is the current one.
        """


def release_name(model: Model | None, now: datetime | None = None) -> str:
    """A new name: index schema, model and time, `v3-densenet121-imagenet-3f2a91c07b1d-20261122t061500-9f3a`."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dt%H%M%S")
    return f"v{INDEX_SCHEMA_VERSION}-{model_slug(model)}-{stamp}-{secrets.token_hex(2)}"


def schema_version_of(name: str) -> int | None:
    """The version of the index's schema in a release's name; None if the name has none."""
    version = re.match(r"v(\d+)-", name)
    return int(version[1]) if version else None


def check_schema(name: str) -> None:
    """
    Raises:
        IndexMismatch: the release was made under an earlier version of the index's schema.
    """
    if is_of_older_schema(name):
        raise IndexMismatch(
            f"the index has schema {schema_version_of(name)}, not {INDEX_SCHEMA_VERSION}: build a release (medsearch reindex)"
        )


def is_of_older_schema(name: str) -> bool:
    """Whether a release was made under an earlier version of the index's schema than documents have now."""
    return (schema_version_of(name) or INDEX_SCHEMA_VERSION) < INDEX_SCHEMA_VERSION


def model_slug(model: Model | None) -> str:
    """A model's id and version in the characters allowed in an index's name, at most 60."""
    if model is None:
        return "no-model"
    part = [re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") for text in (model.model_id, model.model_version)]
    return f"{part[0][:30]}-{part[1][:29]}".strip("-") or "model"


def previous(releases: Sequence[Release]) -> Release:
    """The release that was current before this one.

    Raises:
        NoSuchRelease: there is no earlier one.
    """
    earlier = [r for r in releases if r.published and not r.is_current]
    if not earlier:
        raise NoSuchRelease("there is no earlier release to roll back to")
    return max(earlier, key=lambda r: r.published or r.created)


def superseded(releases: Sequence[Release], keep: int) -> list[Release]:
    """The published releases to delete so that the current one and the `keep` − 1 before it remain."""
    published = sorted((r for r in releases if r.published), key=lambda r: (r.is_current, r.published), reverse=True)
    return published[max(keep, 1) :]
