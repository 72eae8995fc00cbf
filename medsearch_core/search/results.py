"""The results of a search index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from medsearch_core.search.documents import ImageDocument, ReportDocument


@dataclass(frozen=True)
class ImageHit:
    """One image found, without its vector. `score` is the cosine similarity, −1 to 1."""

    document: ImageDocument
    score: float


@dataclass(frozen=True)
class ReportHit:
    """One report found. `score` is BM25, summed over the searched fields; 0 if the query has no words."""

    document: ReportDocument
    score: float


@dataclass(frozen=True)
class ReportPage:
    """One page of reports, best first, ties by report id, and the total of matches."""

    hits: Sequence[ReportHit]
    total: int


@dataclass(frozen=True)
class ImagePage:
    """One page of images, by study and image id, and the total of matches."""

    images: Sequence[ImageDocument]
    total: int


@dataclass(frozen=True)
class FacetCount:
    """The number of documents with a value."""

    value: str
    count: int


@dataclass(frozen=True)
class Counts:
    """The number of matching documents."""

    images: int
    reports: int


@dataclass(frozen=True)
class IndexHealth:
    """The content of the index. `model_id`, `model_version` and `dimensions` are None while it has no images."""

    images: int
    reports: int
    studies: int
    model_id: str | None = None
    model_version: str | None = None
    dimensions: int | None = None
    release: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
