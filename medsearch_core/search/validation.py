"""Validation of query arguments, the same for every search index.

Belongs here: ranges, shapes and spellings of arguments. Messages name the argument and the fault, never the value: a filter's
value may identify a patient.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from medsearch_core.errors import InvalidQuery
from medsearch_core.search.query import FACET_FIELDS, MAX_DEPTH, MAX_HITS, MAX_PAGE, Filters, TextField

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check_hits(k: int, offset: int) -> None:
    """
    Raises:
        InvalidQuery: k is not 1 to `MAX_HITS`, the offset is negative, or both together are above `MAX_DEPTH`.
    """
    if not 1 <= k <= MAX_HITS:
        raise InvalidQuery(f"k must be 1 to {MAX_HITS}")
    if offset < 0 or offset + k > MAX_DEPTH:
        raise InvalidQuery(f"offset must not be negative, and offset + k must not exceed {MAX_DEPTH}")


def checked_vector(vector: Sequence[float]) -> npt.NDArray[np.float32]:
    """The query vector as float32[dimensions].

    Raises:
        InvalidQuery: the vector is empty, zero or not finite.
    """
    with np.errstate(over="ignore"):
        array = np.asarray(vector, dtype=np.float32)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all() or not array.any():
        raise InvalidQuery("the query vector must be finite and not zero")
    return array


def checked_fields(fields: Sequence[TextField]) -> tuple[TextField, ...]:
    """The distinct fields to search, in a fixed order; Findings and Impression if none are given."""
    chosen = set(fields) or {TextField.FINDINGS, TextField.IMPRESSION}
    return tuple(f for f in TextField if f in chosen)


def check_page(offset: int, limit: int) -> None:
    """
    Raises:
        InvalidQuery: the offset is negative, the limit is not 0 to `MAX_PAGE`, or both together are above `MAX_DEPTH`.
    """
    if offset < 0 or not 0 <= limit <= MAX_PAGE:
        raise InvalidQuery(f"offset must not be negative and limit must be 0 to {MAX_PAGE}")
    if offset + limit > MAX_DEPTH:
        raise InvalidQuery(f"offset + limit must not exceed {MAX_DEPTH}")


def check_facet(field_name: str, size: int) -> None:
    """
    Raises:
        InvalidQuery: the field has no facets, or size is not 1 to `MAX_PAGE`.
    """
    if field_name not in FACET_FIELDS:
        raise InvalidQuery("that field has no facets; those that have: " + ", ".join(sorted(FACET_FIELDS)))
    if not 1 <= size <= MAX_PAGE:
        raise InvalidQuery(f"size must be 1 to {MAX_PAGE}")


def check_filters(filters: Filters) -> None:
    """
    Raises:
        InvalidQuery: an age is not finite, a date is not a calendar day as `YYYY-MM-DD`, or a code is blank.
    """
    for age in (filters.min_age_years, filters.max_age_years):
        if age is not None and not math.isfinite(age):
            raise InvalidQuery("an age must be a finite number of years")
    for day in (filters.from_date, filters.to_date):
        if day is not None and not _is_iso_date(day):
            raise InvalidQuery("a date must be a calendar day, YYYY-MM-DD")
    codes = (*filters.present, *filters.absent, *filters.uncertain, *filters.without_present)
    if not all(code.strip() for code in codes):
        raise InvalidQuery("an ICD-10-CM code must not be blank")


def code_prefix(code: str) -> str:
    """An ICD-10-CM code normalized for comparison: upper case, without surrounding spaces."""
    return code.strip().upper()


def storable(value: str) -> str:
    """A text as it can be stored: lone surrogates, which cannot be stored, become U+FFFD."""
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _is_iso_date(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return _ISO_DATE.fullmatch(day) is not None
