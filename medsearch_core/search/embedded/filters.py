"""`Filters` as a condition in the embedded index's SQL.

Belongs here: every place where a user's value enters SQL. Values become single-quoted literals with the quote doubled, in
which this dialect knows no escapes; nothing else of a value is ever part of the text.
"""

from __future__ import annotations

from collections.abc import Sequence

from medsearch_core.search.embedded.rows import IMAGE, REPORT
from medsearch_core.search.query import Filters
from medsearch_core.search.validation import check_filters, code_prefix


def literal(value: str) -> str:
    """A text literal. A lone surrogate, which no stored text can hold, becomes U+FFFD."""
    text = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return "'" + text.replace("'", "''") + "'"


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
    columns = {
        "modality": filters.modalities,
        "body_part_examined": filters.body_parts,
        "view_position": filters.views,
        "laterality": filters.lateralities,
    }
    found = [f"kind = '{IMAGE}'", *(any_of(c, v) for c, v in columns.items() if v), *_shared(filters)]
    if filters.without_images:
        found.append(_none_of("image_id", filters.without_images))
    return " AND ".join(found)


def report_condition(filters: Filters) -> str:
    """The reports that match.

    Raises:
        InvalidQuery: a filter's value is malformed.
    """
    columns = {
        "modalities": filters.modalities,
        "body_parts": filters.body_parts,
        "views": filters.views,
        "lateralities": filters.lateralities,
    }
    return " AND ".join([f"kind = '{REPORT}'", *(_holds_any(c, v) for c, v in columns.items() if v), *_shared(filters)])


def _shared(filters: Filters) -> list[str]:
    check_filters(filters)
    wanted = {
        "patient": filters.patients,
        "study": filters.studies,
        "report_id": filters.reports,
        "patient_sex": filters.sexes,
    }
    unwanted = {
        "patient": filters.without_patients,
        "study": filters.without_studies,
        "report_id": filters.without_reports,
    }
    found = [any_of(column, values) for column, values in wanted.items() if values]
    found += [_none_of(column, values) for column, values in unwanted.items() if values]
    if filters.tags:
        found.append(_holds_any("tags", filters.tags))
    for age, comparison in ((filters.min_age_years, ">="), (filters.max_age_years, "<=")):
        if age is not None:
            found.append(f"patient_age_years {comparison} {float(age)!r}")
    for day, comparison in ((filters.from_date, ">="), (filters.to_date, "<=")):
        if day is not None:
            found.append(f"study_date {comparison} {literal(day)}")
    for column, codes in (("present", filters.present), ("absent", filters.absent), ("uncertain", filters.uncertain)):
        found += [f"array_has({column}_prefixes, {literal(code_prefix(c))})" for c in codes]
    return found


def _holds_any(column: str, values: Sequence[str]) -> str:
    return "(" + " OR ".join(f"array_has({column}, {literal(v)})" for v in sorted(set(values))) + ")"


def _none_of(column: str, values: Sequence[str]) -> str:
    return f"({column} IS NULL OR NOT ({any_of(column, values)}))"
