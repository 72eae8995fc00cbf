"""The embedded search index: the default, without a server. Immutable files mapped into memory, searched with NumPy.

Belongs here: `ReleasedIndex`, composed of its parts. Every call looks up the current release. Many processes may read while one
writes: a read takes the newest version of its release and uses only that; a write is one replaced manifest, so readers see each
study completely or not at all. Processes share the pages they read. Meant for a few hundred thousand images; beyond that, use
OpenSearch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import TypeVar

from medsearch_core.errors import ConfigurationError, NoSuchRelease, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments, last_of_each
from medsearch_core.search.embedded.catalog import ReleaseCatalog
from medsearch_core.search.embedded.release import EmbeddedRelease
from medsearch_core.search.embedded.writer import make_release, remove_release
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.model import Model, model_of
from medsearch_core.search.query import NO_FILTERS, Filters, TextField
from medsearch_core.search.releases import Release, ReleasedIndex, release_name
from medsearch_core.search.results import Counts, FacetCount, ImageHit, ImagePage, IndexHealth, ReportPage

Answer = TypeVar("Answer")

_NOTHING = EmbeddedRelease(None, nullcontext)


def open_embedded(where: str) -> EmbeddedIndex:
    """The index in a folder. Nothing is read or written yet; it need not exist.

    Raises:
        ConfigurationError: this is not a folder of this machine.
    """
    if "://" in where and not where.startswith("file://"):
        raise ConfigurationError(
            f"MEDSEARCH_INDEX is {where}, but the embedded index must be a folder of a local disk, because it is mapped into "
            "memory: give a path, or the http(s) address of OpenSearch"
        )
    return EmbeddedIndex(Path(where.removeprefix("file://")))


class EmbeddedIndex(ReleasedIndex):
    """`ReleasedIndex` in one folder. Thread-safe. Reads before the first write find nothing.

    Every method raises `StorageError` when the index cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._catalog = ReleaseCatalog(folder)
        self._guard = Lock()
        self._followed = _NOTHING

    def releases(self) -> Sequence[Release]:
        return self._catalog.releases()

    def current(self) -> str | None:
        return self._catalog.current()

    def begin(self, model: Model | None) -> str:
        name = release_name(model)
        with self._catalog.turn():
            self._catalog.add(name)
            make_release(self._folder / name)
        return name

    def release(self, name: str) -> SearchIndex:
        self._catalog.check(name)
        return self._of_name(name)

    def finish(self, name: str) -> None:
        self._catalog.check(name)
        self._of_name(name).finish()

    def publish(self, name: str, catch_up: Callable[[SearchIndex], object] | None = None) -> None:
        self._catalog.check(name)
        with self._catalog.turn():
            release = self._of_name(name)
            make_release(self._folder / name)
            release.health()
            if catch_up is not None:
                catch_up(release)
            self._catalog.publish(name)

    def discard(self, name: str) -> None:
        self._catalog.check(name)
        with self._catalog.turn():
            if self._catalog.current() == name:
                raise NoSuchRelease("the current release of the search index cannot be discarded")
            remove_release(self._folder / name)
            self._catalog.remove(name)

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        wanted = last_of_each(studies)
        if self._catalog.current() is None:
            if not any(s.images or s.reports for s in wanted):
                return 0
            self._begin_first(model_of(wanted))
        with self._catalog.turn():
            return self._current().upsert(wanted)

    def _begin_first(self, model: Model | None) -> None:
        with self._catalog.turn():
            if self._catalog.current() is None:
                self._catalog.publish(self.begin(model))

    def delete(self, studies: Sequence[StudyKey]) -> None:
        if self._catalog.current() is not None:
            with self._catalog.turn():
                self._current().delete(studies)

    def compact(self) -> None:
        if self._catalog.current() is not None:
            with self._catalog.turn():
                self._current().compact()

    def studies(self) -> Mapping[StudyKey, str]:
        return self._query(lambda release: release.studies())

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        return self._query(lambda release: release.images(image_ids))

    def vectors(self, image_ids: Sequence[str]) -> Sequence[Sequence[float] | None]:
        return self._query(lambda release: release.vectors(image_ids))

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        return self._query(lambda release: release.reports(report_ids))

    def images_of_reports(self, report_ids: Sequence[str], filters: Filters = NO_FILTERS) -> Sequence[Sequence[ImageDocument]]:
        return self._query(lambda release: release.images_of_reports(report_ids, filters))

    def list_images(self, filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20) -> ImagePage:
        return self._query(lambda release: release.list_images(filters, offset, limit))

    def similar(
        self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS, offset: int = 0, exact: bool = False
    ) -> Sequence[ImageHit]:
        return self._query(lambda release: release.similar(vector, k, filters, offset, exact))

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        return self._query(lambda release: release.text(query, fields, filters, offset, limit))

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        return self._query(lambda release: release.facets(field_name, filters, size, query))

    def count(self, filters: Filters = NO_FILTERS) -> Counts:
        return self._query(lambda release: release.count(filters))

    def health(self) -> IndexHealth:
        return self._query(lambda release: release.health())

    def _query(self, question: Callable[[EmbeddedRelease], Answer]) -> Answer:
        """Reads the current release, or the next one if it was superseded and discarded meanwhile."""
        release = self._current()
        try:
            return question(release)
        except (StorageError, NoSuchRelease):
            if self._current() is release:
                raise
        return question(self._current())

    def _current(self) -> EmbeddedRelease:
        """The current release. It stays open until another one is current.

        Raises:
            StorageError: there was one, and now there is none.
        """
        name = self._catalog.current()
        with self._guard:
            if name != self._followed.name:
                if name is None:
                    raise StorageError(
                        "the search index is gone: see to the folder of MEDSEARCH_INDEX, or run medsearch reindex"
                    )
                self._followed = self._opened(name)
            return self._followed

    def _of_name(self, name: str) -> EmbeddedRelease:
        followed = self._followed
        return followed if followed.name == name else self._opened(name)

    def _opened(self, name: str) -> EmbeddedRelease:
        return EmbeddedRelease(self._folder / name, self._catalog.turn)
