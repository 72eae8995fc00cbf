"""One release of the embedded index.

Belongs here: `SearchIndex` on one folder, composed of its parts. Every read takes the newest version and uses only that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from medsearch_core.errors import IndexMismatch, NoSuchRelease
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.embedded import facets, nearest, text
from medsearch_core.search.embedded.durable import failing_as
from medsearch_core.search.embedded.fields import IMAGE, REPORT
from medsearch_core.search.embedded.filters import Condition, rows_of
from medsearch_core.search.embedded.postings import Mask, Postings
from medsearch_core.search.embedded.ranking import Ranked, best_rows, first_rows
from medsearch_core.search.embedded.reader import Reader
from medsearch_core.search.embedded.strings import encoded
from medsearch_core.search.embedded.view import Snapshot, View
from medsearch_core.search.embedded.writer import Writer
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import NO_FILTERS, Filters, TextField
from medsearch_core.search.releases import check_schema
from medsearch_core.search.results import Counts, FacetCount, ImageHit, ImagePage, IndexHealth, ReportHit, ReportPage
from medsearch_core.search.tokens import compared, query_terms
from medsearch_core.search.validation import check_facet, check_hits, check_page, checked_fields, checked_vector


class EmbeddedRelease(SearchIndex):
    """`SearchIndex` on one release's folder. Thread-safe.

    Every method raises `StorageError` when the folder cannot be read or written, and `NoSuchRelease` when it is gone.
    """

    def __init__(self, folder: Path | None, turn: Callable[[], AbstractContextManager[None]]) -> None:
        """
        Args:
            folder: None for the release of an index that nothing was written to.
            turn: the writer's turn; while it is held, nothing else writes to the index.
        """
        self.name = folder.name if folder else None
        self._folder = folder
        self._turn = turn
        self._reader = Reader(folder)

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        check_schema(self.name or "")
        with self._writing() as writer:
            return writer.upsert(studies)

    def delete(self, studies: Sequence[StudyKey]) -> None:
        with self._writing() as writer:
            writer.delete([study.partition for study in studies])

    def compact(self) -> None:
        """Merges the small segments of earlier writes. Writes do it when there are many; safe at any time."""
        with self._writing() as writer:
            writer.compact()

    def finish(self) -> None:
        """Merges all segments into one."""
        with self._writing() as writer:
            writer.compact(into_one=True)

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        if self._folder is None:
            raise NoSuchRelease("nothing has been written to the search index yet")
        with self._turn():
            yield Writer(self._folder, self._reader)

    def studies(self) -> Mapping[StudyKey, str]:
        return {
            StudyKey.parse(view.segment.studies.text(number)): view.segment.inputs.text(number)
            for view in self._snapshot().views
            for number in view.study_numbers()
        }

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        return self._by_id(IMAGE, image_ids, _document)

    def vectors(self, image_ids: Sequence[str]) -> Sequence[Sequence[float] | None]:
        return self._by_id(IMAGE, image_ids, lambda view, row: view.segment.vectors[row].tolist())

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        return self._by_id(REPORT, report_ids, lambda view, row: view.segment.reports.document(row))

    def images_of_reports(self, report_ids: Sequence[str], filters: Filters = NO_FILTERS) -> Sequence[Sequence[ImageDocument]]:
        condition = Condition.of(IMAGE, filters)
        with failing_as("read"):
            views = [(view, condition.matching(view)) for view in self._snapshot().views] if report_ids else []
            columns = [(view, mask, view.segment.images.column("report_id")) for view, mask in views]
            return [_images_of(columns, encoded(id_)) for id_ in report_ids]

    def list_images(self, filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20) -> ImagePage:
        check_page(offset, limit)
        condition = Condition.of(IMAGE, filters)
        with failing_as("read"):
            found = [(view, rows_of(condition.matching(view), len(view.segment.images))) for view in self._snapshot().views]
            page = first_rows(found, _study_and_image, offset, limit)
            return ImagePage([_document(one.view, one.row) for one in page], sum(len(rows) for _, rows in found))

    def similar(
        self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS, offset: int = 0, exact: bool = False
    ) -> Sequence[ImageHit]:
        """As `SearchIndex.similar`; always exact."""
        check_hits(k, offset)
        condition, query, snapshot = Condition.of(IMAGE, filters), checked_vector(vector), self._snapshot()
        with failing_as("read"):
            if snapshot.model is None:
                return []
            if len(query) != snapshot.model.dimensions:
                raise IndexMismatch(f"the query vector has {len(query)} dimensions, the index's {snapshot.model.dimensions}")
            found = [
                (view, *view.segment.nearest.nearest(query, offset + k, condition.matching(view)))
                for view in snapshot.views
                if view.counts[IMAGE]
            ]
            page = best_rows(found, IMAGE, nearest.DECIMALS, offset, k)
            return [ImageHit(_document(one.view, one.row), one.score) for one in page]

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        check_page(offset, limit)
        words, condition, snapshot = _compared(query), Condition.of(REPORT, filters), self._snapshot()
        with failing_as("read"):
            if words:
                page, total = self._by_words(snapshot, words, checked_fields(fields), condition, offset, limit)
            else:
                found = [(view, _by_id_order(view, condition)) for view in snapshot.views]
                page, total = first_rows(found, _report_and_study, offset, limit), sum(len(rows) for _, rows in found)
            return ReportPage([ReportHit(one.view.segment.reports.document(one.row), one.score) for one in page], total)

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        check_facet(field_name, size)
        words, condition, snapshot = _compared(query), Condition.of(REPORT, filters), self._snapshot()
        with failing_as("read"):
            asked = text.TextQuery(snapshot, words, checked_fields(())) if words else None
            counted = []
            for view in snapshot.views:
                mask = condition.matching(view)
                if asked is not None:
                    mask = asked.scores(view) > 0 if mask is None else mask & (asked.scores(view) > 0)
                column = view.segment.reports.column(field_name)
                counted.append((column.values, column.counts(mask)))
            return facets.most_frequent(counted, size)

    def count(self, filters: Filters = NO_FILTERS) -> Counts:
        images, reports = Condition.of(IMAGE, filters), Condition.of(REPORT, filters)
        with failing_as("read"):
            views = self._snapshot().views
            return Counts(images=sum(map(images.count, views)), reports=sum(map(reports.count, views)))

    def health(self) -> IndexHealth:
        snapshot = self._snapshot()
        with failing_as("read"):
            return IndexHealth(
                images=snapshot.count(IMAGE),
                reports=snapshot.count(REPORT),
                studies=snapshot.studies,
                release=self.name,
                details={"version": str(snapshot.manifest.version), "segments": str(len(snapshot.views))},
                **(asdict(snapshot.model) if snapshot.model else {}),
            )

    def _snapshot(self) -> Snapshot:
        return self._reader.snapshot()

    def _by_id(self, kind: str, ids: Sequence[str], read: Callable[[View, int], Any]) -> list[Any]:
        """What is read of the document of each id, in the first study that has one; None if there is none."""
        with failing_as("read"):
            views = [(view, view.visible(kind)) for view in self._snapshot().views] if ids else []
            found = []
            for id_ in ids:
                rows = [
                    (view.segment.studies[view.segment.of_kind(kind).study(row)], view, row)
                    for view, visible in views
                    for row in view.segment.of_kind(kind).ids.of_value(encoded(id_)).tolist()
                    if visible is None or visible[row]
                ]
                first = min(rows, key=lambda one: one[0], default=None)
                found.append(None if first is None else read(first[1], first[2]))
            return found

    def _by_words(
        self,
        snapshot: Snapshot,
        words: Sequence[str],
        fields: Sequence[TextField],
        condition: Condition,
        offset: int,
        limit: int,
    ) -> tuple[list[Ranked], int]:
        asked, found = text.TextQuery(snapshot, words, fields), []
        for view in snapshot.views:
            scores, mask = asked.scores(view), condition.matching(view)
            rows = np.flatnonzero(scores if mask is None else scores * mask)
            found.append((view, rows, scores[rows]))
        page = best_rows(found, REPORT, text.DECIMALS, offset, limit)
        return page, sum(len(rows) for _, rows, _ in found)


def _compared(query: str) -> list[str]:
    """The words of a user's query as they are compared; two spellings of one word count twice."""
    return [compared(word) for word in query_terms(query)]


def _images_of(columns: Sequence[tuple[View, Mask | None, Postings]], report_id: bytes) -> list[ImageDocument]:
    """A report's images among the matching ones, by image id, then study."""
    found = []
    for view, mask, column in columns:
        rows = column.of_value(report_id)
        if len(rows) and mask is not None:
            rows = rows[mask[rows]]
        if len(rows):
            found.append((view, rows if len(rows) == 1 else rows[view.segment.images.rank[rows].argsort()]))
    page = first_rows(found, _image_and_study, 0, sum(len(rows) for _, rows in found))
    return [_document(one.view, one.row) for one in page]


def _document(view: View, row: int) -> ImageDocument:
    document: ImageDocument = view.segment.images.document(row)
    return document


def _study_and_image(view: View, row: int) -> tuple[bytes, bytes]:
    return _image_and_study(view, row)[::-1]


def _image_and_study(view: View, row: int) -> tuple[bytes, bytes]:
    images = view.segment.images
    return images.id(row), view.segment.studies[images.study(row)]


def _report_and_study(view: View, row: int) -> tuple[bytes, bytes]:
    reports = view.segment.reports
    return reports.id(row), view.segment.studies[reports.study(row)]


def _by_id_order(view: View, condition: Condition) -> np.ndarray:
    """The matching reports by id, then study."""
    rows, mask = view.segment.reports.ids.rows, condition.matching(view)
    return rows if mask is None else rows[mask[rows]]
