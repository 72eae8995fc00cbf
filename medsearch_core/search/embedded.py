"""The embedded search index: the default, with no server. LanceDB holds documents and words, NumPy compares vectors.

Belongs here: `SearchIndex`, put together from its parts. One process may read while others write: a read asks the newest
committed version at its start and answers from that one alone; a write is one commit, so a study is seen whole. Meant for a few
hundred thousand images; beyond that, use OpenSearch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from medsearch_core.errors import IndexMismatch
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.embedded_filters import any_of, image_condition, report_condition
from medsearch_core.search.embedded_rows import GONE, IMAGE, REPORT, columns_of, documents_of
from medsearch_core.search.embedded_table import DocumentTable, compact, failing_as, until_settled
from medsearch_core.search.embedded_text import counted, matching_reports, ranked
from medsearch_core.search.embedded_vectors import ResidentVectors
from medsearch_core.search.embedded_writes import model_of, remove, replace
from medsearch_core.search.index import (
    NO_FILTERS,
    FacetCount,
    Filters,
    ImageHit,
    IndexHealth,
    ReportHit,
    ReportPage,
    SearchIndex,
    TextField,
)
from medsearch_core.search.validation import check_facet, check_page, checked_fields, checked_vector

Document = TypeVar("Document", ImageDocument, ReportDocument)


def open_embedded(uri: str, storage_options: dict[str, str] | None = None) -> EmbeddedIndex:
    """The index in a folder or at an object store's URI. Nothing is read or written yet; it need not exist.

    Args:
        storage_options: the object store's settings as LanceDB names them, such as `aws_region`.
    """
    return EmbeddedIndex(DocumentTable(uri, storage_options))


class EmbeddedIndex(SearchIndex):
    """`SearchIndex` on one Lance table. Safe to share between threads. Reads before the first write find nothing.

    Every method raises `StorageError` when the table cannot be read or written.
    """

    def __init__(self, table: DocumentTable) -> None:
        self._table = table
        self._vectors = ResidentVectors()

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        return replace(self._table, studies)

    def delete(self, studies: Sequence[StudyKey]) -> None:
        remove(self._table, studies)

    def compact(self) -> None:
        """Merges what many writes left and makes text scores exact. Upserts do it when it is due; safe at any time."""
        until_settled(self._compact)

    def _compact(self) -> None:
        with self._table.writing(create=False) as table:
            if table is not None:
                compact(table)

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        found = self._with_ids(ImageDocument, IMAGE, "image_id", image_ids)
        by_id = {d.image_id: d for d in reversed(found)}
        return [by_id.get(i) for i in image_ids]

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        found = self._with_ids(ReportDocument, REPORT, "report_id", report_ids)
        by_id = {d.report_id: d for d in reversed(found)}
        return [by_id.get(i) for i in report_ids]

    def images_of_reports(self, report_ids: Sequence[str]) -> Sequence[Sequence[ImageDocument]]:
        of: dict[str | None, list[ImageDocument]] = {i: [] for i in report_ids}
        for image in self._with_ids(ImageDocument, IMAGE, "report_id", report_ids):
            of[image.report_id].append(image)
        return [sorted(of[i], key=lambda d: d.image_id) for i in report_ids]

    def similar(self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS) -> Sequence[ImageHit]:
        query, condition = checked_vector(vector, k), image_condition(filters)
        table = self._table.snapshot()
        with failing_as("read"):
            vectors = None if table is None else self._vectors.of(table)
            if table is None or vectors is None:
                return []
            if len(query) != vectors.dimensions:
                raise IndexMismatch(f"the query vector has {len(query)} dimensions, the index's {vectors.dimensions}")
            among = None if filters == NO_FILTERS else _rows_matching(table, condition)
            rows, scores = vectors.nearest(query, k, among)
            if not len(rows):
                return []
            score_of = dict(zip(rows.tolist(), scores.tolist(), strict=True))
            named = table.take_row_ids(rows.tolist()).select(["image_id", "study_key"]).with_row_id().to_arrow()
            order = sorted(named.to_pylist(), key=lambda r: (-score_of[r["_rowid"]], r["image_id"], r["study_key"]))
            best = [row["_rowid"] for row in order[:k]]
            documents = _documents_in(ImageDocument, table, best)
        return [ImageHit(document, score_of[row]) for document, row in zip(documents, best, strict=True)]

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        check_page(offset, limit)
        condition, table = report_condition(filters), self._table.snapshot()
        if table is None:
            return ReportPage((), 0)
        with failing_as("read"):
            found = matching_reports(table, query, checked_fields(fields), condition, ["report_id", "study_key"])
            rows, scores = ranked(*found)
            documents = _documents_in(ReportDocument, table, rows[offset : offset + limit])
        hits = [ReportHit(d, s) for d, s in zip(documents, scores[offset : offset + limit], strict=True)]
        return ReportPage(hits, len(rows))

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        check_facet(field_name, size)
        condition, table = report_condition(filters), self._table.snapshot()
        if table is None:
            return []
        with failing_as("read"):
            found, _ = matching_reports(table, query, checked_fields(()), condition, [field_name])
            return counted(found[field_name], size)

    def health(self) -> IndexHealth:
        table = self._table.snapshot()
        if table is None:
            return IndexHealth(images=0, reports=0, studies=0)
        with failing_as("read"):
            live = table.search().where(f"kind != '{GONE}'").select(["study_key"]).limit(None).to_arrow()
            fragments = table.stats()["fragment_stats"]["num_fragments"]
            return IndexHealth(
                images=table.count_rows(f"kind = '{IMAGE}'"),
                reports=table.count_rows(f"kind = '{REPORT}'"),
                studies=len(live["study_key"].unique()),
                details={"version": str(table.version), "fragments": str(fragments)},
                **model_of(table),
            )

    def _with_ids(self, kind: type[Document], name: str, column: str, ids: Sequence[str]) -> list[Document]:
        table = self._table.snapshot() if ids else None
        if table is None:
            return []
        with failing_as("read"):
            query = table.search().where(f"kind = '{name}' AND {any_of(column, ids)}").limit(None)
            found = query.select([*columns_of(kind), "study_key"]).to_arrow()
            return documents_of(kind, found.sort_by("study_key"))


def _rows_matching(table: Any, condition: str) -> npt.NDArray[np.int64]:
    found = table.search().where(condition).select(["kind"]).with_row_id(True).limit(None).to_arrow()
    rows: npt.NDArray[np.int64] = found["_rowid"].to_numpy().astype(np.int64)
    return rows


def _documents_in(kind: type[Document], table: Any, rows: Sequence[int]) -> list[Document]:
    """The documents of these table rows, in their order."""
    if not rows:
        return []
    found = table.take_row_ids(list(rows)).select(columns_of(kind)).with_row_id().to_arrow()
    by_row = dict(zip(found["_rowid"].to_pylist(), documents_of(kind, found), strict=True))
    return [by_row[row] for row in rows]
