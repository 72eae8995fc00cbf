"""One release of the embedded index.

Belongs here: `SearchIndex` on one Lance table, composed of its parts. Every read first pins the newest version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from medsearch_core.errors import IndexMismatch
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.embedded.filters import any_of, image_condition, report_condition
from medsearch_core.search.embedded.rows import IMAGE, REPORT, TOMBSTONE, columns_of, documents_of, vectors_of
from medsearch_core.search.embedded.table import Table, compact, failing_as, until_settled
from medsearch_core.search.embedded.text import counted, matching_reports, ranked
from medsearch_core.search.embedded.vectors import ResidentVectors
from medsearch_core.search.embedded.writes import current_model, remove, rewrite
from medsearch_core.search.filter_fields import IMAGE_FIELDS
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import NO_FILTERS, Filters, TextField
from medsearch_core.search.releases import check_schema
from medsearch_core.search.results import Counts, FacetCount, ImageHit, ImagePage, IndexHealth, ReportHit, ReportPage
from medsearch_core.search.tokens import query_terms, stems_of
from medsearch_core.search.validation import check_facet, check_filters, check_hits, check_page, checked_fields, checked_vector

Document = TypeVar("Document", ImageDocument, ReportDocument)


class EmbeddedRelease(SearchIndex):
    """`SearchIndex` on one table. Thread-safe.

    Every method raises `StorageError` when the table cannot be read or written, and `NoSuchRelease` when it is gone.
    """

    def __init__(self, name: str | None, table: Table, turn: Callable[[], AbstractContextManager[None]]) -> None:
        """
        Args:
            turn: the writer's turn; while it is held, nothing else writes to the index.
        """
        self.name = name
        self._table = table
        self._turn = turn
        self._vectors = ResidentVectors()

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        check_schema(self.name or "")
        with self._turn():
            return rewrite(self._table, studies)

    def delete(self, studies: Sequence[StudyKey]) -> None:
        with self._turn():
            remove(self._table, studies)

    def compact(self) -> None:
        """Merges the fragments of earlier writes and makes text scores exact. Upserts do it when needed; safe at any time."""
        with self._turn():
            until_settled(self._compact)

    def _compact(self) -> None:
        with failing_as("written"):
            compact(self._table.newest())

    def studies(self) -> Mapping[StudyKey, str]:
        table = self._table.snapshot()
        if table is None:
            return {}
        with failing_as("read"):
            live = table.search().where(f"kind != '{TOMBSTONE}'").select(["study_key", "inputs"]).limit(None).to_arrow()
            found = live.group_by(["study_key", "inputs"]).aggregate([]).to_pylist()
        return {StudyKey.parse(row["study_key"]): row["inputs"] for row in found}

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        found = self._documents(ImageDocument, image_condition(NO_FILTERS), "image_id", image_ids)
        by_id = {d.image_id: d for d in reversed(found)}
        return [by_id.get(i) for i in image_ids]

    def vectors(self, image_ids: Sequence[str]) -> Sequence[Sequence[float] | None]:
        found = self._with_ids(image_condition(NO_FILTERS), "image_id", image_ids, ["image_id", "vector"])
        if found is None or not found.num_rows:
            return [None] * len(image_ids)
        by_id = dict(zip(reversed(found["image_id"].to_pylist()), reversed(vectors_of(found["vector"])), strict=True))
        return [by_id[i].tolist() if i in by_id else None for i in image_ids]

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        found = self._documents(ReportDocument, report_condition(NO_FILTERS), "report_id", report_ids)
        by_id = {d.report_id: d for d in reversed(found)}
        return [by_id.get(i) for i in report_ids]

    def images_of_reports(self, report_ids: Sequence[str], filters: Filters = NO_FILTERS) -> Sequence[Sequence[ImageDocument]]:
        of: dict[str | None, list[ImageDocument]] = {i: [] for i in report_ids}
        for image in self._documents(ImageDocument, image_condition(filters), "report_id", report_ids, filters):
            of[image.report_id].append(image)
        return [sorted(of[i], key=lambda d: d.image_id) for i in report_ids]

    def list_images(self, filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20) -> ImagePage:
        check_page(offset, limit)
        condition, table = image_condition(filters), self._snapshot(filters)
        if table is None:
            return ImagePage((), 0)
        with failing_as("read"):
            matching = (
                table.search().where(condition).select(["study_key", "image_id"]).with_row_id(True).limit(None).to_arrow()
            )
            rows = matching.sort_by([("study_key", "ascending"), ("image_id", "ascending")])["_rowid"].to_pylist()
            return ImagePage(_documents_in(ImageDocument, table, rows[offset : offset + limit]), len(rows))

    def similar(
        self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS, offset: int = 0, exact: bool = False
    ) -> Sequence[ImageHit]:
        """As `SearchIndex.similar`; always exact."""
        check_hits(k, offset)
        check_filters(filters)
        query, left_out, others = checked_vector(vector), filters.without_images, replace(filters, without_images=())
        table = self._snapshot(filters)
        with failing_as("read"):
            vectors = None if table is None else self._vectors.of(table)
            if table is None or vectors is None:
                return []
            if len(query) != vectors.dimensions:
                raise IndexMismatch(f"the query vector has {len(query)} dimensions, the index's {vectors.dimensions}")
            among = None if others == NO_FILTERS else _rows_matching(table, image_condition(others))
            unwanted = _rows_matching(table, any_of("image_id", left_out))
            rows, scores = vectors.nearest(query, offset + k + len(unwanted), among)
            wanted = ~np.isin(rows, unwanted)
            rows, scores = rows[wanted], scores[wanted]
            if not len(rows):
                return []
            score_of = dict(zip(rows.tolist(), scores.tolist(), strict=True))
            named = table.take_row_ids(rows.tolist()).select(["image_id", "study_key"]).with_row_id().to_arrow()
            order = sorted(named.to_pylist(), key=lambda r: (-score_of[r["_rowid"]], r["image_id"], r["study_key"]))
            best = [row["_rowid"] for row in order[offset : offset + k]]
            documents = _documents_in(ImageDocument, table, best)
        return [ImageHit(document, score_of[row]) for document, row in zip(documents, best, strict=True)]

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        check_page(offset, limit)
        words, condition, table = stems_of(query_terms(query)), report_condition(filters), self._snapshot(filters)
        if table is None:
            return ReportPage((), 0)
        with failing_as("read"):
            found = matching_reports(table, words, checked_fields(fields), condition, ["report_id", "study_key"])
            rows, scores = ranked(found)
            documents = _documents_in(ReportDocument, table, rows[offset : offset + limit])
        hits = [ReportHit(d, s) for d, s in zip(documents, scores[offset : offset + limit], strict=True)]
        return ReportPage(hits, len(rows))

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        check_facet(field_name, size)
        words, condition, table = stems_of(query_terms(query)), report_condition(filters), self._snapshot(filters, field_name)
        if table is None:
            return []
        with failing_as("read"):
            found = matching_reports(table, words, checked_fields(()), condition, [field_name])
            return counted(found[field_name], size)

    def count(self, filters: Filters = NO_FILTERS) -> Counts:
        images, reports, table = image_condition(filters), report_condition(filters), self._snapshot(filters)
        if table is None:
            return Counts(images=0, reports=0)
        with failing_as("read"):
            return Counts(images=table.count_rows(images), reports=table.count_rows(reports))

    def health(self) -> IndexHealth:
        table = self._table.snapshot()
        if table is None:
            return IndexHealth(images=0, reports=0, studies=0, release=self.name)
        with failing_as("read"):
            live = table.search().where(f"kind != '{TOMBSTONE}'").select(["study_key"]).limit(None).to_arrow()
            fragments = table.stats()["fragment_stats"]["num_fragments"]
            model = current_model(table)
            return IndexHealth(
                images=table.count_rows(f"kind = '{IMAGE}'"),
                reports=table.count_rows(f"kind = '{REPORT}'"),
                studies=len(live["study_key"].unique()),
                release=self.name,
                details={"version": str(table.version), "fragments": str(fragments)},
                **(asdict(model) if model else {}),
            )

    def _snapshot(self, filters: Filters, field_name: str = "study_key") -> Any | None:
        """The newest version; None if it lacks a column that the filters use, so that nothing can match."""
        table = self._table.snapshot()
        asked = {field_name, *(column for name, column in IMAGE_FIELDS.items() if getattr(filters, name))}
        return table if table is not None and asked <= set(table.schema.names) else None

    def _documents(
        self, kind: type[Document], condition: str, column: str, ids: Sequence[str], filters: Filters = NO_FILTERS
    ) -> list[Document]:
        found = self._with_ids(condition, column, ids, columns_of(kind), filters)
        return [] if found is None else documents_of(kind, found)

    def _with_ids(
        self, condition: str, column: str, ids: Sequence[str], columns: Sequence[str], filters: Filters = NO_FILTERS
    ) -> Any | None:
        """The matching rows with one of the ids, by study; None if there are no ids or no rows at all."""
        table = self._snapshot(filters) if ids else None
        if table is None:
            return None
        with failing_as("read"):
            query = table.search().where(f"{condition} AND {any_of(column, ids)}").limit(None)
            return query.select([*(c for c in columns if c in table.schema.names), "study_key"]).to_arrow().sort_by("study_key")


def _rows_matching(table: Any, condition: str) -> npt.NDArray[np.int64]:
    found = table.search().where(condition).select(["kind"]).with_row_id(True).limit(None).to_arrow()
    rows: npt.NDArray[np.int64] = found["_rowid"].to_numpy().astype(np.int64)
    return rows


def _documents_in(kind: type[Document], table: Any, rows: Sequence[int]) -> list[Document]:
    """The documents of these table rows, in their order."""
    if not rows:
        return []
    found = table.take_row_ids(list(rows)).select(columns_of(kind, table.schema.names)).with_row_id().to_arrow()
    by_row = dict(zip(found["_rowid"].to_pylist(), documents_of(kind, found), strict=True))
    return [by_row[row] for row in rows]
