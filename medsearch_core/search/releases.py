"""`ReleasedIndex`: an index that is built anew beside itself, and put in place or taken back in one step.

Belongs here: what a release is and how releases are named, put in place and counted out. Not here: what goes into one
(`medsearch_pipeline.reindex`), nor how it is checked (`verification`).
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
    """One generation of the whole index. `published` is when readers were last sent to it; None if they never were."""

    name: str
    created: datetime
    published: datetime | None
    is_current: bool


class ReleasedIndex(SearchIndex, Protocol):
    """As a `SearchIndex` it reads and writes the current release; the first write makes one if there is none."""

    def releases(self) -> Sequence[Release]:
        """All releases, the newest first."""

    def current(self) -> str | None:
        """The name of the release that readers are sent to now; None before the first."""

    def begin(self, model: Model | None) -> str:
        """Makes an empty release, named for a model's images, which no reader sees; returns its name."""

    def release(self, name: str) -> SearchIndex:
        """Reads and writes this release, whether readers are sent to it or not. What is written to a release that was never
        published may show only after `finish`.

        Raises:
            NoSuchRelease: there is none of that name.
        """

    def finish(self, name: str) -> None:
        """Brings a loaded release into the form it is searched in.

        Raises:
            NoSuchRelease: there is none of that name.
        """

    def publish(self, name: str, catch_up: Callable[[SearchIndex], object] | None = None) -> None:
        """Sends all readers and writers to a release in one step.

        Args:
            catch_up: brings the release up to date first, while nobody else writes: only the release it is given, and this
                index in the same thread, may be written from it.

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
    """The version of the index's schema that a release was named for; None if its name tells none."""
    told = re.match(r"v(\d+)-", name)
    return int(told[1]) if told else None


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
    """A model's id and version in the characters of an index's name, at most 60 of them."""
    if model is None:
        return "no-model"
    part = [re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") for text in (model.model_id, model.model_version)]
    return f"{part[0][:30]}-{part[1][:29]}".strip("-") or "model"


def previous(releases: Sequence[Release]) -> Release:
    """The release that readers were sent to before the current one.

    Raises:
        NoSuchRelease: there is no earlier one.
    """
    earlier = [r for r in releases if r.published and not r.is_current]
    if not earlier:
        raise NoSuchRelease("there is no earlier release to go back to")
    return max(earlier, key=lambda r: r.published or r.created)


def superseded(releases: Sequence[Release], keep: int) -> list[Release]:
    """The published releases to delete so that the current one and the `keep` − 1 before it stay."""
    published = sorted((r for r in releases if r.published), key=lambda r: (r.is_current, r.published), reverse=True)
    return published[max(keep, 1) :]
