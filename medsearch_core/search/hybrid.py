"""Hybrid search: similarity and text together, by reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).

The ranks are fused here, not by the index, so that every index returns the same order and every hit shows its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medsearch_core.errors import InvalidQuery
from medsearch_core.search.documents import ImageDocument
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import NO_FILTERS, Filters, TextField
from medsearch_core.search.results import ImageHit, ReportHit
from medsearch_core.search.tokens import query_terms

RANK_CONSTANT = 60
WINDOW = 100
"""How many hits of each part are fused, which limits how deep hybrid pages go."""


@dataclass(frozen=True)
class Part:
    """An image's place in one part: 1 is best. `score` is the cosine, or its report's BM25."""

    rank: int
    score: float


@dataclass(frozen=True)
class HybridHit:
    """One image found by similarity, by the text of its report, or by both. `score` is the sum of 1 / (60 + rank)."""

    document: ImageDocument
    score: float
    likeness: Part | None
    words: Part | None


def hybrid(
    index: SearchIndex,
    vector: Sequence[float],
    query: str,
    k: int,
    filters: Filters = NO_FILTERS,
    offset: int = 0,
    fields: Sequence[TextField] = (),
) -> Sequence[HybridHit]:
    """The k best images after the first `offset`, best first, ties by image id.

    Images of one report share its text rank. If the query has no words, only similarity counts.

    Raises:
        InvalidQuery: k or offset is negative or k + offset above 100, or as for `SearchIndex.similar` and `.text`.
        IndexMismatch: the vector has another length than the index's.
    """
    if k < 1 or offset < 0 or k + offset > WINDOW:
        raise InvalidQuery(f"k must be at least 1, offset not negative, and both together at most {WINDOW}")
    image_hits = index.similar(vector, WINDOW, filters)
    report_hits = index.text(query, fields, filters, limit=WINDOW).hits if query_terms(query) else ()
    images_by_report = index.images_of_reports([hit.document.report_id for hit in report_hits], filters) if report_hits else ()
    return fuse(image_hits, report_hits, images_by_report)[offset : offset + k]


def fuse(
    image_hits: Sequence[ImageHit], report_hits: Sequence[ReportHit], images_by_report: Sequence[Sequence[ImageDocument]]
) -> list[HybridHit]:
    """All images of both parts. `images_by_report` are the images of each report of `report_hits`."""
    documents: dict[tuple[str, str, str], ImageDocument] = {}
    likeness: dict[tuple[str, str, str], Part] = {}
    words: dict[tuple[str, str, str], Part] = {}
    for rank, hit in enumerate(image_hits, start=1):
        likeness[_identity(hit.document)] = Part(rank, hit.score)
        documents[_identity(hit.document)] = hit.document
    for rank, (report, images) in enumerate(zip(report_hits, images_by_report, strict=True), start=1):
        for image in images:
            if (image.patient, image.study) == (report.document.patient, report.document.study):
                words.setdefault(_identity(image), Part(rank, report.score))
                documents.setdefault(_identity(image), image)
    hits = [
        HybridHit(document, _score(likeness.get(i)) + _score(words.get(i)), likeness.get(i), words.get(i))
        for i, document in documents.items()
    ]
    return sorted(hits, key=lambda h: (-h.score, _identity(h.document)))


def _identity(image: ImageDocument) -> tuple[str, str, str]:
    return image.image_id, image.patient, image.study


def _score(part: Part | None) -> float:
    return 1 / (RANK_CONSTANT + part.rank) if part else 0.0
