"""Replacing and removing studies in one release.

A study's new documents are written first, then those it no longer has are deleted, and last its representative document is
written: only if that has the new `inputs` does a study count as written, so an interrupted run writes it again. Nothing is
visible before the final refresh. Studies with a rejected document are restored to the state of the last refresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from medsearch_core.errors import DocumentsRefused
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments, is_changed
from medsearch_core.search.opensearch.bulk import Operation, send
from medsearch_core.search.opensearch.client import failing_as
from medsearch_core.search.opensearch.filters import one_of
from medsearch_core.search.opensearch.lease import WriterLease
from medsearch_core.search.opensearch.reads import Reads
from medsearch_core.search.opensearch.sources import Kind, Source, sources_of


@dataclass
class StoredStudy:
    """A release's documents of one study: `_id` → kind, and the `inputs` of the representative document."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    inputs: str | None = None


class Writes:
    """The writing half of one release.

    Args:
        indexes: kind → the index of its documents; without images there may be no image index.
        lease: held by the caller.
        shows: whether writes are refreshed at once; a release that is being loaded is refreshed when it is finished.
    """

    def __init__(self, reads: Reads, indexes: Mapping[Kind, str], lease: WriterLease, shows: bool) -> None:
        self._reads = reads
        self._indexes = indexes
        self._lease = lease
        self._shows = shows

    def replace(self, studies: Sequence[StudyDocuments]) -> int:
        """Writes the studies that changed; returns how many.

        Raises:
            DocumentsRefused: some documents were rejected; all studies but theirs were written.
            StorageError: the cluster failed; repeating the call completes the write.
        """
        stored = self._stored([s.study for s in studies])
        state = {s.study: stored.get(s.study.partition, StoredStudy()) for s in studies}
        changed = [s for s in studies if is_changed(s, bool(state[s.study].kinds), state[s.study].inputs)]
        sources = {s.study.partition: sources_of(s, self._reads.layout.space_type) for s in changed}
        refused = self._send(self._first_phase(sources, stored))
        whole = {name: documents for name, documents in sources.items() if name not in _studies_in(refused)}
        refused |= self._send(self._written(documents[-1]) for documents in whole.values() if documents)
        if refused:
            self._put_back({name: sources[name] for name in _studies_in(refused)})
        if changed:
            self.refresh()
        if refused:
            raise DocumentsRefused(refused)
        return len(changed)

    def remove(self, studies: Sequence[StudyKey]) -> None:
        """Removes studies."""
        if held := self._stored(studies):
            self._send(self._deleted(id_, name, held[name].kinds[id_]) for name in held for id_ in held[name].kinds)
            self.refresh()

    def refresh(self) -> None:
        """Makes writes visible to readers."""
        self._lease.check()
        if self._shows:
            with failing_as("written"):
                self._reads.client.indices.refresh(index=",".join(self._indexes.values()))

    def _stored(self, studies: Sequence[StudyKey]) -> dict[str, StoredStudy]:
        found: dict[str, StoredStudy] = {}
        where = [one_of("study_key", [s.partition for s in studies])]
        for kind in self._indexes:
            for hit in self._reads.all(kind, where, source=["study_key", "inputs", "stands_for_study"]):
                study = found.setdefault(hit["_source"]["study_key"], StoredStudy())
                study.kinds[hit["_id"]] = kind
                if hit["_source"]["stands_for_study"]:
                    study.inputs = hit["_source"]["inputs"]
        return found

    def _first_phase(self, sources: Mapping[str, list[Source]], stored: Mapping[str, StoredStudy]) -> Iterator[Operation]:
        for name, documents in sources.items():
            yield from (self._written(document) for document in documents[:-1])
            kept = {document.id for document in documents}
            kinds = stored.get(name, StoredStudy()).kinds
            yield from (self._deleted(id_, name, kind) for id_, kind in kinds.items() if id_ not in kept)

    def _put_back(self, sources: Mapping[str, list[Source]]) -> None:
        """Restores the studies' documents that readers still see."""
        where, before = [one_of("study_key", list(sources))], set()
        operations = []
        for kind in self._indexes:
            for hit in self._reads.all(kind, where, source=["*"]):
                before.add(hit["_id"])
                operations.append(self._written(Source(kind, hit["_id"], hit["_source"]["study_key"], hit["_source"])))
        new = (s for documents in sources.values() for s in documents if s.id not in before)
        self._send([*operations, *(self._deleted(s.id, s.study, s.kind) for s in new)])

    def _written(self, source: Source) -> Operation:
        return Operation(self._indexes[source.kind], source.id, source.study, source.fields)

    def _deleted(self, id_: str, study: str, kind: Kind) -> Operation:
        return Operation(self._indexes[kind], id_, study)

    def _send(self, operations: Iterable[Operation]) -> dict[str, str]:
        return send(self._reads.client, operations, self._lease.check)


def _studies_in(refused: Iterable[str]) -> set[str]:
    """The studies that document ids, `patient/study/kind/id`, belong to."""
    return {"/".join(id_.split("/")[:2]) for id_ in refused}
