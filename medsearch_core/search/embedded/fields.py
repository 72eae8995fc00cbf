"""Which fields of documents a segment holds as columns, and under which names.

Belongs here: the columns that filters, counts and lookups need. The documents themselves are stored as JSON beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from medsearch_core.search.filter_fields import (
    CODE_FIELDS,
    IMAGE_FIELDS,
    LEFT_OUT_BY_CODE,
    LEFT_OUT_OF_IMAGES,
    LEFT_OUT_OF_REPORTS,
    REPORT_FIELDS,
)
from medsearch_core.search.query import FACET_FIELDS
from medsearch_core.search.validation import code_prefix

IMAGE, REPORT = "image", "report"
KINDS: Final = (IMAGE, REPORT)
ID: Final = {IMAGE: "image_id", REPORT: "report_id"}
AGE = "patient_age_years"
DAY = "study_date"

CODES: Final = {field: f"{field} spelled alike" for field in {*CODE_FIELDS.values(), *LEFT_OUT_BY_CODE.values()}}
"""Field of codes → the column of the codes as they are compared, so that all codes that begin alike stand together."""

COLUMNS: Final = {
    IMAGE: frozenset({ID[IMAGE], *IMAGE_FIELDS.values(), *LEFT_OUT_OF_IMAGES.values(), DAY}),
    REPORT: frozenset({ID[REPORT], *REPORT_FIELDS.values(), *LEFT_OUT_OF_REPORTS.values(), *FACET_FIELDS, DAY}),
}
"""Kind of document → its fields with a column of values."""


def values_of(document: Mapping[str, Any], field: str) -> Iterable[str]:
    """The values of a field: none, one or many."""
    value = document.get(field)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def spelled_alike(document: Mapping[str, Any], field: str) -> Iterable[str]:
    """A field's codes as they are compared."""
    return [code_prefix(code) for code in values_of(document, field)]
