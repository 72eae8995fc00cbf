"""The order of hits: by score, then id, then study, across segments.

Belongs here: choosing the best rows of each view and merging them. Ids are compared only as far as a page reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from medsearch_core.search.embedded.postings import Integers, Rows
from medsearch_core.search.embedded.segment import Documents
from medsearch_core.search.embedded.view import View


class Ranked(NamedTuple):
    """A row of a view, and its score."""

    view: View
    row: int
    score: float


def first_rows(
    found: Sequence[tuple[View, Integers | Rows]], key: Callable[[View, int], Any], offset: int, limit: int
) -> list[Ranked]:
    """A page of rows without scores.

    Args:
        found: each view's rows in the order of their keys.
    """
    found = [(view, rows) for view, rows in found if len(rows)]
    if len(found) == 1:
        ((view, rows),) = found
        return [Ranked(view, row, 0.0) for row in rows[offset : offset + limit].tolist()]
    every = [(key(view, row), view, row) for view, rows in found for row in rows[: offset + limit].tolist()]
    every.sort(key=lambda one: one[0])
    return [Ranked(view, row, 0.0) for _, view, row in every[offset : offset + limit]]


def best_rows(
    found: Sequence[tuple[View, Integers, np.ndarray]], kind: str, decimals: int, offset: int, limit: int
) -> list[Ranked]:
    """A page of rows by rounded score, best first, ties by id, then study.

    Args:
        found: each view's rows with their scores.
    """
    depth = offset + limit
    best = [
        [Ranked(view, *one) for one in zip(*_best(view.segment.of_kind(kind), rows, scores, decimals, depth), strict=True)]
        for view, rows, scores in found
    ]
    best = [some for some in best if some]
    if len(best) == 1:
        return best[0][offset:depth]

    def key(one: Ranked) -> tuple[float, bytes, bytes]:
        documents = one.view.segment.of_kind(kind)
        return -one.score, documents.id(one.row), one.view.segment.studies[documents.study(one.row)]

    return sorted((one for some in best for one in some), key=key)[offset:depth]


def _best(documents: Documents, rows: Integers, scores: np.ndarray, decimals: int, depth: int) -> tuple[list[int], list[float]]:
    """The best rows of one view in order, at most `depth`."""
    if not len(rows) or not depth:
        return [], []
    if len(rows) > depth:
        last = np.partition(scores, len(scores) - depth)[len(scores) - depth]
        near = np.flatnonzero(scores >= last - 2 * 10.0**-decimals)
        rows, scores = rows[near], scores[near]
    rounded = np.round(scores, decimals) + 0.0
    order = np.lexsort((documents.rank[rows], -rounded))[:depth]
    return rows[order].tolist(), rounded[order].tolist()
