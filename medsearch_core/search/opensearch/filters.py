"""`Filters` as OpenSearch filter clauses, exact and unscored. They stand inside the k-NN clause, so that k hits come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medsearch_core.search.query import Filters
from medsearch_core.search.validation import check_filters, code_prefix

Clause = dict[str, Any]

IMAGE_FIELDS = {
    "modalities": "modality",
    "body_parts": "body_part_examined",
    "views": "view_position",
    "lateralities": "laterality",
}
REPORT_FIELDS = {name: name for name in IMAGE_FIELDS}
SHARED_FIELDS = {"patients": "patient", "studies": "study", "reports": "report_id", "sexes": "patient_sex", "tags": "tags"}
LEFT_OUT = {"without_patients": "patient", "without_studies": "study", "without_reports": "report_id"}
CODES = {"present": "present_codes", "absent": "absent_codes", "uncertain": "uncertain_codes"}


def image_clauses(filters: Filters) -> list[Clause]:
    """What images must match.

    Raises:
        InvalidQuery: a filter's value is malformed.
    """
    return _clauses(filters, SHARED_FIELDS | IMAGE_FIELDS, LEFT_OUT | {"without_images": "image_id"})


def report_clauses(filters: Filters) -> list[Clause]:
    """What reports must match.

    Raises:
        InvalidQuery: a filter's value is malformed.
    """
    return _clauses(filters, SHARED_FIELDS | REPORT_FIELDS, LEFT_OUT)


def one_of(field: str, values: Sequence[str]) -> Clause:
    """A keyword equals one of the values. A lone surrogate, which no stored text can hold, becomes U+FFFD."""
    spelled = {value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for value in values}
    return {"terms": {field: sorted(spelled)}}


def _clauses(filters: Filters, any_of: dict[str, str], none_of: dict[str, str]) -> list[Clause]:
    check_filters(filters)
    found = [one_of(field, getattr(filters, name)) for name, field in any_of.items() if getattr(filters, name)]
    left_out = [one_of(field, getattr(filters, name)) for name, field in none_of.items() if getattr(filters, name)]
    if left_out:
        found.append({"bool": {"must_not": left_out}})
    for field, least, most in (
        ("patient_age_years", filters.min_age_years, filters.max_age_years),
        ("study_date", filters.from_date, filters.to_date),
    ):
        ends = {"gte": least, "lte": most}
        if any(end is not None for end in ends.values()):
            found.append({"range": {field: {name: end for name, end in ends.items() if end is not None}}})
    for name, field in CODES.items():
        for code in getattr(filters, name):
            found.append({"prefix": {field: {"value": code_prefix(code), "case_insensitive": True}}})
    return found
