"""Reports similar to a report: the BM25 ranking of the others for its words."""

from __future__ import annotations

from dataclasses import replace

from medsearch_core.errors import NotIndexed
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import MAX_WORDS, NO_FILTERS, Filters
from medsearch_core.search.results import ReportPage
from medsearch_core.search.tokens import words_of

MAX_SIMILAR_REPORTS = 100
"""How many reports count as similar in facets: nearly all reports share some word."""


def more_like(
    index: SearchIndex, report_id: str, filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
) -> ReportPage:
    """The reports most similar to an indexed report by the first 256 different words of its Findings and Impression.

    A report without words there is similar to none. The report itself is excluded.

    Raises:
        NotIndexed: the report is not in the index.
        InvalidQuery: as for `SearchIndex.text`.
    """
    (report,) = index.reports([report_id])
    if report is None:
        raise NotIndexed("the report is not in the index")
    words = list(dict.fromkeys(words_of(f"{report.findings or ''}\n{report.impression or ''}")))[:MAX_WORDS]
    if not words:
        return ReportPage((), 0)
    others = replace(filters, without_reports=(*filters.without_reports, report_id))
    return index.text(" ".join(words), (), others, offset, limit)


def filters_for_similar(index: SearchIndex, report_id: str, filters: Filters = NO_FILTERS) -> Filters | None:
    """The filters, narrowed to the `MAX_SIMILAR_REPORTS` reports most similar to an indexed report; None if there are none.

    Raises:
        NotIndexed: the report is not in the index.
    """
    like = [hit.document for hit in more_like(index, report_id, filters, limit=MAX_SIMILAR_REPORTS).hits]
    if not like:
        return None
    patients = [report.patient for report in like]  # reports of two patients may have the same id
    return replace(filters, reports=[report.report_id for report in like], patients=patients)
