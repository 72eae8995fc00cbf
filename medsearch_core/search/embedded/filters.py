"""`Filters` as a mask over the rows of one view.

Belongs here: turning each condition into rows. A value is looked up among a field's sorted values; codes that begin alike, and
days of a range, stand together there. A segment from before a field was added has no values of it, so nothing matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medsearch_core.search.embedded.fields import CODES, DAY, IMAGE
from medsearch_core.search.embedded.postings import Mask, Rows
from medsearch_core.search.embedded.segment import Documents
from medsearch_core.search.embedded.strings import encoded
from medsearch_core.search.embedded.view import View
from medsearch_core.search.filter_fields import (
    CODE_FIELDS,
    IMAGE_FIELDS,
    LEFT_OUT_BY_CODE,
    LEFT_OUT_OF_IMAGES,
    LEFT_OUT_OF_REPORTS,
    REPORT_FIELDS,
)
from medsearch_core.search.query import NO_FILTERS, Filters
from medsearch_core.search.validation import check_filters, code_prefix


@dataclass(frozen=True)
class Condition:
    """A validated filter on one kind of document."""

    kind: str
    filters: Filters

    @staticmethod
    def of(kind: str, filters: Filters) -> Condition:
        """
        Raises:
            InvalidQuery: a filter's value is malformed.
        """
        check_filters(filters)
        return Condition(kind, filters)

    def matching(self, view: View) -> Mask | None:
        """The visible rows that match; None for all rows of the segment."""
        visible = view.visible(self.kind)
        if self.filters == NO_FILTERS:
            return visible
        documents = view.segment.of_kind(self.kind)
        mask = np.ones(len(documents), bool) if visible is None else visible.copy()
        for wanted in self._wanted(documents):
            held = np.zeros(len(documents), bool)
            for rows in wanted:
                held[rows] = True
            mask &= held
        for rows in self._unwanted(documents):
            mask[rows] = False
        ages, lowest, highest = documents.ages, self.filters.min_age_years, self.filters.max_age_years
        if lowest is not None:
            mask &= ages >= lowest
        if highest is not None:
            mask &= ages <= highest
        return mask

    def count(self, view: View) -> int:
        """How many visible documents match."""
        if self.filters == NO_FILTERS:
            return view.counts[self.kind]
        mask = self.matching(view)
        return 0 if mask is None else int(np.count_nonzero(mask))

    def _wanted(self, documents: Documents) -> Iterator[Sequence[Rows]]:
        """For each condition the rows of which a document must be one."""
        asked, columns = self.filters, IMAGE_FIELDS if self.kind == IMAGE else REPORT_FIELDS
        for name, field in columns.items():
            if values := getattr(asked, name):
                column = documents.column(field)
                yield [column.of_value(encoded(value)) for value in set(values)]
        if asked.from_date is not None or asked.to_date is not None:
            column = documents.column(DAY)
            first, last = (None if day is None else encoded(day) for day in (asked.from_date, asked.to_date))
            yield [column.of_range(column.values.between(first, last))]
        for name, field in CODE_FIELDS.items():
            for code in getattr(asked, name):
                yield [_with_code(documents, field, code)]

    def _unwanted(self, documents: Documents) -> Iterator[Rows]:
        columns: Mapping[str, str] = LEFT_OUT_OF_IMAGES if self.kind == IMAGE else LEFT_OUT_OF_REPORTS
        for name, field in columns.items():
            for value in set(getattr(self.filters, name)):
                yield documents.column(field).of_value(encoded(value))
        for name, field in LEFT_OUT_BY_CODE.items():
            for code in getattr(self.filters, name):
                yield _with_code(documents, field, code)


def _with_code(documents: Documents, field: str, code: str) -> Rows:
    """The rows whose field has a code that begins with this one."""
    column = documents.column(CODES[field])
    return column.of_range(column.values.with_prefix(encoded(code_prefix(code))))


def rows_of(mask: Mask | None, count: int) -> np.ndarray:
    """A mask's rows, ascending."""
    return np.arange(count) if mask is None else np.flatnonzero(mask)
