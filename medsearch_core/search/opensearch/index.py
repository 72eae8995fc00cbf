"""The search index on an OpenSearch cluster: `ReleasedIndex`, composed of its parts.

Readers see a study completely or not at all because writes are visible only after the writer's refresh, one process writes at a
time, and a study's documents share a shard. docs/opensearch.md describes one exception: if a node dies during a write, a study
may be visible in part until the write is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opensearchpy import OpenSearch

from medsearch_core.errors import NoSuchRelease
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments, last_of_each
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.model import Model, check_same, model_of
from medsearch_core.search.opensearch.client import open_client
from medsearch_core.search.opensearch.lease import WriterLease
from medsearch_core.search.opensearch.options import Access, IndexLayout
from medsearch_core.search.opensearch.reads import IndexNames, Reads
from medsearch_core.search.opensearch.releases import ClusterReleases
from medsearch_core.search.opensearch.writes import Writes
from medsearch_core.search.releases import Release, ReleasedIndex, check_schema


def open_opensearch(access: Access, layout: IndexLayout, name: str) -> OpenSearchIndex:
    """The index whose aliases begin with `name`. Nothing is read or written yet; it need not exist.

    Raises:
        ConfigurationError: the CA's file or the credentials are unavailable.
    """
    return OpenSearchIndex(open_client(access), layout, name)


class OpenSearchRelease(Reads, SearchIndex):
    """One release, current or not."""

    def __init__(
        self,
        client: OpenSearch,
        places: IndexNames,
        layout: IndexLayout,
        releases: ClusterReleases,
        lease: WriterLease,
        name: str,
    ) -> None:
        super().__init__(client, places, layout)
        self._releases = releases
        self._lease = lease
        self._name = name

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        check_schema(self._name)
        wanted = last_of_each(studies)
        model = model_of(wanted)
        with self._lease.held():
            held = self.model()
            if model and held and model != held:
                self._releases.show(self._name)
                check_same(model, held if self.count().images else None)
            return self._writes([s.study for s in wanted], model).replace(wanted)

    def delete(self, studies: Sequence[StudyKey]) -> None:
        with self._lease.held():
            self._writes(studies, None).remove(studies)

    def compact(self) -> None:
        self._releases.compact(self._name)

    def _writes(self, studies: Sequence[StudyKey], model: Model | None) -> Writes:
        shows = self._releases.get(self._name).published is not None
        if not shows:
            self._releases.prepare_write(self._name, studies)
        return Writes(self, self._releases.indexes(self._name, model), self._lease, shows)


class OpenSearchIndex(Reads, ReleasedIndex):
    """The current release, through the aliases, and all others."""

    def __init__(self, client: OpenSearch, layout: IndexLayout, name: str) -> None:
        self._releases = ClusterReleases(client, name, layout)
        self._lease = WriterLease(client, f"{name}-control")
        super().__init__(client, self._releases.aliases, layout)

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        wanted = last_of_each(studies)
        with self._lease.held():
            current = self._releases.current()
            if current is None:
                if not any(s.images or s.reports for s in wanted):
                    return 0
                current = self._releases.begin(model_of(wanted))
                self._releases.publish(current)
            return self._opened(current).upsert(wanted)

    def delete(self, studies: Sequence[StudyKey]) -> None:
        with self._lease.held():
            if current := self._releases.current():
                self._opened(current).delete(studies)

    def compact(self) -> None:
        if current := self._releases.current():
            self._opened(current).compact()

    def releases(self) -> Sequence[Release]:
        return self._releases.all()

    def current(self) -> str | None:
        return self._release()

    def begin(self, model: Model | None) -> str:
        with self._lease.held():
            return self._releases.begin(model)

    def release(self, name: str) -> OpenSearchRelease:
        self._releases.get(name)
        return self._opened(name)

    def _opened(self, name: str) -> OpenSearchRelease:
        """A release that is known to exist."""
        return OpenSearchRelease(self.client, self._releases.index_names(name), self.layout, self._releases, self._lease, name)

    def finish(self, name: str) -> None:
        self._releases.get(name)
        self._releases.finish(name)

    def publish(self, name: str, catch_up: Callable[[SearchIndex], object] | None = None) -> None:
        with self._lease.held():
            release = self.release(name)
            if catch_up:
                catch_up(release)
                self._releases.show(name)
            self._releases.publish(name)

    def discard(self, name: str) -> None:
        with self._lease.held():
            if self._releases.get(name).is_current:
                raise NoSuchRelease("that release is the current one: publish another one first")
            self._releases.discard(name)
