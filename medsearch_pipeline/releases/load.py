"""Loading the warehouse's studies into a release: the next batch is read while the index writes the current one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from medsearch_core.batched import batched
from medsearch_core.errors import DocumentsRefused
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.index import SearchIndex
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.studies.documents import (
    StudyIncomplete,
    Versions,
    documents_digest,
    list_studies,
    read_documents,
    read_image_ids,
)

BATCH = 200
READERS = 8
Read = TypeVar("Read")


class ProgressListener(Protocol):
    """Receives the progress of a rebuild, as counts only."""

    def step(self, what: str) -> None:
        """A step begins, which may take long."""

    def begin(self, studies: int) -> None:
        """This many studies will be processed."""

    def advance(self, studies: int, images: int) -> None:
        """This many more studies are done, with this many images written."""


@dataclass(frozen=True)
class ExpectedDocuments:
    """What a release should hold of a study."""

    image_ids: tuple[str, ...]
    reports: int


@dataclass
class Load:
    """Keeps one release in step with the warehouse.

    Args:
        stored: study → inputs in the release at the start.

    Attributes:
        documents: what the release holds now, according to Parquet.
        missing: studies that cannot be read or were rejected, each with the reason; an earlier version may be in `documents`.
        studies: how many were written, with `images` images, in `seconds`.
    """

    warehouse: Warehouse
    stored: Mapping[StudyKey, str]
    listener: ProgressListener
    documents: dict[StudyKey, ExpectedDocuments] = field(default_factory=dict)
    missing: dict[StudyKey, str] = field(default_factory=dict)
    studies: int = 0
    images: int = 0
    seconds: float = 0.0
    _seen: dict[StudyKey, Versions] = field(default_factory=dict)
    _written: set[StudyKey] = field(default_factory=set)

    def catch_up(self, release: SearchIndex) -> None:
        """Loads what was added, changed or removed since the last time; at first, everything that the release lacks.

        Changed files are found by a listing taken before they are read, so a file that changes meanwhile is found next time.
        """
        listed = list_studies(self.warehouse)
        gone = (self.stored.keys() | self.documents.keys() | self.missing.keys()) - listed.keys()
        self._sync(release, listed, gone)

    def load_new(self, release: SearchIndex) -> None:
        """Loads studies that were missing or incomplete the last time.

        The others are left for `catch_up` before publishing: a study whose assets are being recomputed stays in its previous
        state, and does not prevent publishing.
        """
        listed = list_studies(self.warehouse)
        self._sync(release, {s: versions for s, versions in listed.items() if s not in self._written}, set())

    def _sync(self, release: SearchIndex, listed: Mapping[StudyKey, Versions], removed: set[StudyKey]) -> None:
        started = time.perf_counter()
        changed = sorted(study for study, versions in listed.items() if versions != self._seen.get(study))
        self._seen |= listed
        self.listener.begin(len(changed))
        for batch in read_ahead(self._read, changed, BATCH):
            self._write(release, batch)
        for study in removed:
            for known in (self._seen, self.documents, self.missing):
                known.pop(study, None)
        lost = sorted(removed | (self.missing.keys() & self.stored.keys()) - self.documents.keys())
        for some in batched(lost, BATCH):
            release.delete(some)
        self._written |= {*self.documents, *lost}
        self.stored = {}
        self.seconds += time.perf_counter() - started

    def expected_counts(self) -> tuple[int, int, int]:
        """Expected images, reports and studies. A study without documents does not count."""
        images = sum(len(due.image_ids) for due in self.documents.values())
        reports = sum(due.reports for due in self.documents.values())
        return images, reports, sum(bool(due.image_ids or due.reports) for due in self.documents.values())

    def image_ids(self) -> list[str]:
        """Every expected image."""
        return [image for due in self.documents.values() for image in due.image_ids]

    def _read(self, study: StudyKey) -> StudyDocuments | ExpectedDocuments | StudyIncomplete:
        """A study's documents; only what is expected if the release already has them; or why it cannot be read."""
        try:
            if study in self.stored and documents_digest(self.warehouse, study) == self.stored[study]:
                ids = read_image_ids(self.warehouse, study)
                return ExpectedDocuments(tuple(ids), self.warehouse.row_count(study_path("reports", study)))
            return read_documents(self.warehouse, study)
        except StudyIncomplete as fault:
            return fault

    def _write(
        self, release: SearchIndex, batch: Mapping[StudyKey, StudyDocuments | ExpectedDocuments | StudyIncomplete]
    ) -> None:
        documents = {study: read for study, read in batch.items() if isinstance(read, StudyDocuments)}
        missing = {study: str(read) for study, read in batch.items() if isinstance(read, StudyIncomplete)}
        self._written |= documents.keys()
        try:
            if documents:
                release.upsert(list(documents.values()))
        except DocumentsRefused as error:
            missing |= refused_studies(error)
        written = {study: expected_documents(read) for study, read in documents.items() if study not in missing}
        kept = {study: read for study, read in batch.items() if isinstance(read, ExpectedDocuments)}
        for study in (*written, *kept):
            self.missing.pop(study, None)
        self.documents |= written | kept
        self.missing |= missing
        images = sum(len(due.image_ids) for due in written.values())
        self.studies += len(written)
        self.images += images
        self.listener.advance(len(batch), images)


def expected_documents(study: StudyDocuments) -> ExpectedDocuments:
    """What the index should hold of a study once it is written."""
    return ExpectedDocuments(tuple(image.image_id for image in study.images), len(study.reports))


def refused_studies(error: DocumentsRefused) -> dict[StudyKey, str]:
    """The studies of rejected documents, each with one of its reasons."""
    return {
        StudyKey(*key.split("/")[:2]): f"the index rejected {key} ({reason})" for key, reason in sorted(error.refused.items())
    }


def read_ahead(read: Callable[[StudyKey], Read], studies: Iterable[StudyKey], size: int) -> Iterator[dict[StudyKey, Read]]:
    """The results of `read` for each study, in batches; the next batch is read while the caller processes the current one."""
    with ThreadPoolExecutor(READERS) as readers:
        ready: dict[StudyKey, Future[Read]] = {}
        for batch in batched(studies, size):
            coming = {study: readers.submit(read, study) for study in batch}
            if ready:
                yield {study: future.result() for study, future in ready.items()}
            ready = coming
        if ready:
            yield {study: future.result() for study, future in ready.items()}
