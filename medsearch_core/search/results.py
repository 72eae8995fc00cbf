"""What a search index answers with."""

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
    """One report found. `score` is BM25, summed over the fields searched; 0 when no words were asked for."""

    document: ReportDocument
    score: float


@dataclass(frozen=True)
class ReportPage:
    """One page of reports, best first, ties by report id, and how many match in all."""

    hits: Sequence[ReportHit]
    total: int


@dataclass(frozen=True)
class ImagePage:
    """One page of images, by study and image id, and how many match in all."""

    images: Sequence[ImageDocument]
    total: int


@dataclass(frozen=True)
class FacetCount:
    """How many documents hold a value."""

    value: str
    count: int


@dataclass(frozen=True)
class Counts:
    """How many documents match."""

    images: int
    reports: int


@dataclass(frozen=True)
class IndexHealth:
    """What the index holds. `model_id`, `model_version` and `dimensions` are None while it holds no image."""

    images: int
    reports: int
    studies: int
    model_id: str | None = None
    model_version: str | None = None
    dimensions: int | None = None
    release: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
