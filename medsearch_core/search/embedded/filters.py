"""`Filters` as a condition in the embedded index's SQL.

Belongs here: every place where a user's value enters SQL. Values become single-quoted literals with doubled quotes, the only
escape of this dialect. No value enters the text in any other way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from medsearch_core.search.embedded.rows import IMAGE, PREFIXED, REPORT, SCHEMA
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


def literal(value: str) -> str:
    """A text literal."""
    return "'" + storable(value).replace("'", "''") + "'"


def any_of(column: str, values: Sequence[str]) -> str:
    """A text column equals one of the values; false when there are none."""
    if not values:
        return "false"
    return f"{column} IN ({', '.join(map(literal, sorted(set(values))))})"


def image_condition(filters: Filters) -> str:
    """The images that match.

    Raises:
        InvalidQuery: a filter's value is malformed.
    """
    return _condition(IMAGE, filters, IMAGE_FIELDS, LEFT_OUT_OF_IMAGES)


def report_condition(filters: Filters) -> str:
    """The reports that match.

    Raises:
        InvalidQuery: a filter's value is malformed.
    """
    return _condition(REPORT, filters, REPORT_FIELDS, LEFT_OUT_OF_REPORTS)


def _condition(kind: str, filters: Filters, any_of_columns: Mapping[str, str], none_of_columns: Mapping[str, str]) -> str:
    check_filters(filters)
    found = [f"kind = '{kind}'"]
    found += [_has_any(column, values) for name, column in any_of_columns.items() if (values := getattr(filters, name))]
    found += [_none_of(column, values) for name, column in none_of_columns.items() if (values := getattr(filters, name))]
    for age, comparison in ((filters.min_age_years, ">="), (filters.max_age_years, "<=")):
        if age is not None:
            found.append(f"patient_age_years {comparison} {float(age)!r}")
    for day, comparison in ((filters.from_date, ">="), (filters.to_date, "<=")):
        if day is not None:
            found.append(f"study_date {comparison} {literal(day)}")
    for name, column in CODE_FIELDS.items():
        found += [_has_code(column, code) for code in getattr(filters, name)]
    for name, column in LEFT_OUT_BY_CODE.items():
        found += [f"NOT {_has_code(column, code)}" for code in getattr(filters, name)]
    return " AND ".join(found)


def _has_code(column: str, code: str) -> str:
    """The column contains a code that begins with this one."""
    return f"array_has({PREFIXED[column]}, {literal(code_prefix(code))})"


def _has_any(column: str, values: Sequence[str]) -> str:
    """The column equals one of the values, or contains one if it is a list."""
    if not pa.types.is_list(SCHEMA.field(column).type):
        return any_of(column, values)
    return "(" + " OR ".join(f"array_has({column}, {literal(v)})" for v in sorted(set(values))) + ")"


def _none_of(column: str, values: Sequence[str]) -> str:
    return f"({column} IS NULL OR NOT ({any_of(column, values)}))"
