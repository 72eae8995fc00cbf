"""The most frequent values of a field, over all segments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medsearch_core.search.embedded.postings import Integers
from medsearch_core.search.embedded.strings import Strings
from medsearch_core.search.results import FacetCount


def most_frequent(counted: Sequence[tuple[Strings, Integers]], size: int) -> list[FacetCount]:
    """The most frequent values, by count, then value.

    Args:
        counted: each segment's sorted values, and how many reports have each.
    """
    largest = max(counted, key=lambda one: len(one[0]), default=(Strings.of([]), np.zeros(0, np.int64)))
    values, counts = largest[0], largest[1].copy()
    others: dict[bytes, int] = {}
    for own, more in counted:
        if own is values:
            continue
        for place in np.flatnonzero(more).tolist():
            value, count = own[place], int(more[place])
            known = values.find(value)
            if known is None:
                others[value] = others.get(value, 0) + count
            else:
                counts[known] += count
    found = [(-count, value) for value, count in others.items()]
    found += [(-int(counts[place]), values[place]) for place in _best(counts, size)]
    return [FacetCount(value.decode(), -count) for count, value in sorted(found)[:size]]


def _best(counts: Integers, size: int) -> list[int]:
    """The places of the largest counts above zero; of equal ones the first."""
    held = np.flatnonzero(counts)
    return held[np.argsort(-counts[held], kind="stable")[:size]].tolist()
