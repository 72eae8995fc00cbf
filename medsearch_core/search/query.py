"""What may be asked of a search index: filters, fields, and how much of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from medsearch_core.search.documents import REPORT_LISTS
from medsearch_core.search.facets import FACETS, add_facets

MAX_HITS = 500
"""The largest k of `SearchIndex.similar`."""

MAX_PAGE = 1000
"""The most reports on a page, and the most values of a facet."""

MAX_DEPTH = 10_000
"""How far pages go: the largest offset plus page."""

MAX_WORDS = 256
"""The most different words of a query."""

FACET_FIELDS = frozenset(
    {
        *REPORT_LISTS,
        *(facet.name for facet in FACETS),
        "tags",
        "patient",
        "study",
        "patient_sex",
        "study_date",
        "ner_version",
    }
)
"""The list and keyword fields of `ReportDocument` whose values can be counted."""


@dataclass(frozen=True, kw_only=True)
@add_facets(after="reports", name=lambda facet: facet.name, hint="Sequence[str]", default=lambda _: ())
class Filters:
    """What a hit must be. Fields combine by AND, values within a field by OR; an empty field asks nothing.

    Codes are ICD-10-CM in either case; a code matches itself and every code that begins with it, so `J18` also matches
    `J18.9`. Every value of `present`, `absent` and `uncertain` must hold; `without_…` leaves documents out, `without_present`
    those whose report says that any of its codes is present: what is absent, uncertain or without a report stays.
    Dates are `YYYY-MM-DD`, ages years; ranges include both ends. Documents without a value never match a range. A report
    matches a facet's values by any image of its study; an image matches `reports` by its report.
    `without_images` concerns images alone.
    """

    patients: Sequence[str] = ()
    studies: Sequence[str] = ()
    reports: Sequence[str] = ()
    sexes: Sequence[str] = ()
    tags: Sequence[str] = ()
    min_age_years: float | None = None
    max_age_years: float | None = None
    from_date: str | None = None
    to_date: str | None = None
    present: Sequence[str] = ()
    absent: Sequence[str] = ()
    uncertain: Sequence[str] = ()
    without_patients: Sequence[str] = ()
    without_studies: Sequence[str] = ()
    without_reports: Sequence[str] = ()
    without_images: Sequence[str] = ()
    without_present: Sequence[str] = ()


NO_FILTERS = Filters()
"""Asks nothing."""


class TextField(Enum):
    """Where words are looked for."""

    FINDINGS = "findings"
    IMPRESSION = "impression"
    REPORT = "text"
