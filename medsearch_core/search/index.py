"""`SearchIndex`: what every search index can do, and the values that go in and out.

Implementations give the same answers for the same calls; one test suite runs on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments

MAX_HITS = 500
"""The largest k of `SearchIndex.similar`."""

MAX_PAGE = 1000
"""The most reports on a page, and the most values of a facet."""

FACET_FIELDS = frozenset(
    {
        "positive_diagnoses",
        "negative_diagnoses",
        "positive_icd10cms",
        "negative_icd10cms",
        "positive_signs",
        "negative_signs",
        "positive_symptoms",
        "negative_symptoms",
        "present_codes",
        "absent_codes",
        "uncertain_codes",
        "modalities",
        "body_parts",
        "views",
        "lateralities",
        "patient",
        "study",
        "patient_sex",
        "study_date",
        "ner_version",
    }
)
"""The list and keyword fields of `ReportDocument` whose values can be counted."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a hit must be. Fields combine by AND, values within a field by OR; an empty field asks nothing.

    Codes are ICD-10-CM in either case; a code matches itself and every code that begins with it, so `J18` also matches
    `J18.9`. Every value of `present`, `absent` and `uncertain` must hold; `without_…` leaves documents out.
    Dates are `YYYY-MM-DD`, ages years; ranges include both ends. Documents without a value never match a range. A report
    matches modality, body part, view and laterality by any image of its study.
    """

    patients: Sequence[str] = ()
    studies: Sequence[str] = ()
    modalities: Sequence[str] = ()
    body_parts: Sequence[str] = ()
    views: Sequence[str] = ()
    lateralities: Sequence[str] = ()
    sexes: Sequence[str] = ()
    min_age_years: float | None = None
    max_age_years: float | None = None
    from_date: str | None = None
    to_date: str | None = None
    present: Sequence[str] = ()
    absent: Sequence[str] = ()
    uncertain: Sequence[str] = ()
    without_patients: Sequence[str] = ()
    without_studies: Sequence[str] = ()


NO_FILTERS = Filters()
"""Asks nothing."""


class TextField(Enum):
    """Where words are looked for."""

    FINDINGS = "findings"
    IMPRESSION = "impression"
    REPORT = "text"


@dataclass(frozen=True)
class ImageHit:
    """One image found. `score` is the cosine similarity, −1 to 1."""

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
class FacetCount:
    """How many documents hold a value."""

    value: str
    count: int


@dataclass(frozen=True)
class IndexHealth:
    """What the index holds. `model_version` is None while it holds no image."""

    images: int
    reports: int
    studies: int
    model_id: str | None = None
    model_version: str | None = None
    dimensions: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)


class SearchIndex(Protocol):
    """Searches images by likeness and reports by words.

    Every read sees each study whole: as it was before an upsert or after it.
    """

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        """Replaces these studies in one step; returns how many had changed and were written.

        A study whose `inputs` are those it was last written with is skipped; empty `inputs` are never the same. Of a study
        given twice the last counts.

        Raises:
            IndexMismatch: a vector is of another model, version or length than the index holds or than its neighbours, or is
                not finite. Nothing is written.
        """

    def compact(self) -> None:
        """Brings what was written into its fastest form. Answers stay the same; BM25 scores become exact."""

    def delete(self, studies: Sequence[StudyKey]) -> None:
        """Removes all documents of these studies; a study that is not there is no error."""

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        """The images in the order asked; None for each that is not indexed."""

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        """The reports in the order asked; None for each that is not indexed."""

    def images_of_reports(self, report_ids: Sequence[str]) -> Sequence[Sequence[ImageDocument]]:
        """For each report its images, by image id."""

    def similar(self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS) -> Sequence[ImageHit]:
        """The k images most alike, nearest first, ties by image id; k of them whenever k match the filters.

        The score is the cosine rounded to six decimals, and so are the ties. An all-zero vector in the index scores 0.

        Raises:
            IndexMismatch: the vector has another length than the index's.
            InvalidQuery: k is not 1 to 500, or the vector is zero or not finite.
        """

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        """Reports holding any of the words, by BM25; all reports by id when the query holds no word.

        The query is only text: quotes, operators and braces have no meaning. Words are compared by their English stem;
        a query of nothing but stop words holds no word. No fields means Findings and Impression; `total` is exact.

        Raises:
            InvalidQuery: the offset is negative, or the limit is not 0 to 1000.
        """

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        """The most frequent values of a list or keyword field of the reports that match, by count, then value.

        A report counts once for a value. `query` is read as by `text` over Findings and Impression.

        Raises:
            InvalidQuery: the field is not one of `FACET_FIELDS`, or size is not 1 to 1000.
        """

    def health(self) -> IndexHealth:
        """Counts, and which model's vectors are held."""
