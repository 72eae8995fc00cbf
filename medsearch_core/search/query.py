"""The queries of a search index: filters, fields and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from medsearch_core.search.documents import REPORT_LISTS
from medsearch_core.search.facets import FACETS, add_facets

MAX_HITS = 500
"""The largest k of `SearchIndex.similar`."""

MAX_PAGE = 1000
"""The maximum number of reports on a page, and of values of a facet."""

MAX_DEPTH = 10_000
"""How deep pages go: the largest offset plus page size."""

MAX_WORDS = 256
"""The maximum number of different words in a query."""

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
    """Conditions on hits. Fields combine with AND, values within a field with OR; an empty field matches everything.

    Codes are ICD-10-CM in either case; a code matches itself and every code that begins with it, so `J18` also matches
    `J18.9`. All values of `present`, `absent` and `uncertain` must match. `without_…` excludes documents; `without_present`
    excludes those whose report states any of its codes as present, not those with absent, uncertain or no mentions.
    Dates are `YYYY-MM-DD`, ages in years; ranges include both ends. Documents without a value never match a range. A report
    matches a facet's values if any image of its study does; an image matches `reports` by its report.
    `without_images` applies to images only.
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
    """The parts of a report that text search covers."""

    FINDINGS = "findings"
    IMPRESSION = "impression"
    REPORT = "text"
