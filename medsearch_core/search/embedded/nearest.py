"""Exact similarity search over the vectors of one segment.

Belongs here: finding the most similar vectors. Products are computed in float32 by BLAS, whose last digits depend on where a
vector lies in memory; what may be among the best within the bound of that rounding is compared in float64, one by one, so that
the result depends on the vectors alone. With heads (`head`) only those vectors are read that a bound cannot rule out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medsearch_core.search.embedded.arrays import MappedArrays
from medsearch_core.search.embedded.head import ROUNDING, Heads
from medsearch_core.search.embedded.postings import Integers, Mask
from medsearch_core.search.embedded.scan import BatchedScan, Floats

Doubles = npt.NDArray[np.float64]

DECIMALS = 6
HALF_A_DIGIT = 1e-6
"""More than half of the last digit: a score may have been rounded up by it."""

FEW = 1000
"""So many vectors are read one by one rather than ruled out."""

COMPARED_FIRST = 64
MOST_LEFT = 20
"""If a bound leaves more than one of so many vectors, all are compared: reading them one by one takes longer."""

SMALL_PART = 8
"""Of less than one of so many vectors, the heads are read one by one, too."""

PART = 1024


class Vectors:
    """The vectors of a segment. Thread-safe."""

    def __init__(self, arrays: MappedArrays) -> None:
        self._rows: Floats = arrays["vectors"]
        self._scan = BatchedScan([self._rows])
        self._heads = Heads(arrays) if "heads" in arrays else None
        self._head_scan = BatchedScan([self._heads.rows]) if self._heads else None

    @property
    def head_width(self) -> int:
        """The numbers of a head; 0 without heads."""
        return self._heads.rows.shape[1] if self._heads else 0

    def nearest(self, query: Floats, k: int, matching: Mask | None) -> tuple[Integers, Doubles]:
        """Rows of the k most similar of the matching vectors and of all that tie with the last, unordered, and their cosines.

        Args:
            query: float32[dimensions], not zero.
            matching: None for all.
        """
        exact = query.astype(np.float64)
        unit = exact / np.sqrt((exact * exact).sum())
        count = len(self._rows) if matching is None else int(np.count_nonzero(matching))
        if count <= max(FEW, k):
            every = np.arange(len(self._rows)) if matching is None else np.flatnonzero(matching)
            return self._best(exact, unit, k, every)
        left = self._not_ruled_out(exact, unit, k, matching, count)
        return self._best(exact, unit, k, left) if left is not None else self._best_of_all(exact, unit, k, matching)

    def _not_ruled_out(self, exact: Doubles, unit: Doubles, k: int, matching: Mask | None, count: int) -> Integers | None:
        """Rows that include the k best and their ties; None if there are no heads or they leave too many."""
        if self._heads is None or self._head_scan is None or k * MOST_LEFT > count:
            return None
        asked, level = self._heads.basis.query(unit)
        among = np.flatnonzero(matching) if matching is not None and count * SMALL_PART < len(self._rows) else None
        if among is not None:
            upper, tails = self._heads.rows[among] @ asked, self._heads.tails[among]
        else:
            upper, tails = self._head_scan.products(asked), self._heads.tails
            if matching is not None:
                upper[~matching] = -np.inf
        likely = upper - asked[-1] * tails
        first = np.argpartition(likely, len(likely) - 2 * k - COMPARED_FIRST)[-2 * k - COMPARED_FIRST :]
        scores = self._exact(exact, first if among is None else among[first])
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        bound = least - level - self._heads.slack(asked) - HALF_A_DIGIT - ROUNDING * 4
        left = np.flatnonzero(upper >= np.float32(bound))
        if among is not None:
            return among[left]
        return left if len(left) * MOST_LEFT <= max(len(self._rows), FEW * MOST_LEFT) else None

    def _best_of_all(self, exact: Doubles, unit: Doubles, k: int, matching: Mask | None) -> tuple[Integers, Doubles]:
        rough = self._scan.products(unit.astype(np.float32))
        if matching is not None:
            rough[~matching] = -np.inf
        return self._chosen(exact, k, None, rough)

    def _best(self, exact: Doubles, unit: Doubles, k: int, rows: Integers) -> tuple[Integers, Doubles]:
        asked = unit.astype(np.float32)
        parts = [self._rows[rows[start : start + PART]] @ asked for start in range(0, len(rows), PART)]
        return self._chosen(exact, k, rows, np.concatenate(parts) if parts else np.empty(0, np.float32))

    def _chosen(self, exact: Doubles, k: int, rows: Integers | None, rough: Floats) -> tuple[Integers, Doubles]:
        near = _top(rough, k, 2 * (len(exact) + 8) * ROUNDING + HALF_A_DIGIT)
        near = near if rows is None else rows[near]
        scores = self._exact(exact, near)
        best = _top(scores, k, 0.0)
        return near[best], scores[best]

    def _exact(self, query: Doubles, rows: Integers) -> Doubles:
        """The cosines of some vectors in float64, rounded."""
        length = np.sqrt((query * query).sum())
        found = np.empty(len(rows))
        for start in range(0, len(rows), PART):
            some = self._rows[rows[start : start + PART]].astype(np.float64)
            found[start : start + PART] = (some * query).sum(axis=1) / length
        return np.round(found, DECIMALS) + 0.0


def _top(scores: npt.NDArray[np.floating], k: int, slack: float) -> Integers:
    """Places of the k largest values, and of all values at most `slack` below the smallest of them."""
    if len(scores) <= k:
        return np.arange(len(scores))
    last = np.partition(scores, len(scores) - k)[len(scores) - k]
    return np.flatnonzero(scores >= last - slack)
