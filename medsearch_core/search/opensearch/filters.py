"""`Filters` as OpenSearch filter clauses, exact and unscored. They are part of the k-NN clause, so that k hits are returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medsearch_core.search.filter_fields import (
    CODE_FIELDS,
    IMAGE_FIELDS,
    LEFT_OUT_BY_CODE,
    LEFT_OUT_OF_IMAGES,
    LEFT_OUT_OF_REPORTS,
    REPORT_FIELDS,
)
from medsearch_core.search.query import Filters
from medsearch_core.search.validation import check_filters, code_prefix, storable

Clause = dict[str, Any]


def image_clauses(filters: Filters) -> list[Clause]:
    """The clauses for images.

    Raises:
        InvalidQuery: a filter's value is malformed.
    """
    return _clauses(filters, IMAGE_FIELDS, LEFT_OUT_OF_IMAGES)


def report_clauses(filters: Filters) -> list[Clause]:
    """The clauses for reports.

    Raises:
        InvalidQuery: a filter's value is malformed.
    """
    return _clauses(filters, REPORT_FIELDS, LEFT_OUT_OF_REPORTS)


def one_of(field: str, values: Sequence[str]) -> Clause:
    """A keyword equals one of the values."""
    return {"terms": {field: sorted({storable(value) for value in values})}}


def _clauses(filters: Filters, any_of: Mapping[str, str], none_of: Mapping[str, str]) -> list[Clause]:
    check_filters(filters)
    found = [one_of(field, getattr(filters, name)) for name, field in any_of.items() if getattr(filters, name)]
    left_out = [one_of(field, getattr(filters, name)) for name, field in none_of.items() if getattr(filters, name)]
    left_out += [_has_code(field, code) for name, field in LEFT_OUT_BY_CODE.items() for code in getattr(filters, name)]
    if left_out:
        found.append({"bool": {"must_not": left_out}})
    for field, least, most in (
        ("patient_age_years", filters.min_age_years, filters.max_age_years),
        ("study_date", filters.from_date, filters.to_date),
    ):
        ends = {"gte": least, "lte": most}
        if any(end is not None for end in ends.values()):
            found.append({"range": {field: {name: end for name, end in ends.items() if end is not None}}})
    found += [_has_code(field, code) for name, field in CODE_FIELDS.items() for code in getattr(filters, name)]
    return found


def _has_code(field: str, code: str) -> Clause:
    """The field contains a code that begins with this one."""
    return {"prefix": {field: {"value": code_prefix(code), "case_insensitive": True}}}
