"""The order of hits: by score, then id, then study, across segments.

Belongs here: choosing the best rows of each view and merging them. Ids are compared only as far as a page reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medsearch_core.search.embedded.postings import Integers
from medsearch_core.search.embedded.segment import Documents
from medsearch_core.search.embedded.view import View


@dataclass(frozen=True)
class Ranked:
    """A row of a view, and its score."""

    view: View
    row: int
    score: float


def first_rows(
    found: Sequence[tuple[View, Integers]], key: Callable[[View, int], Any], offset: int, limit: int
) -> list[Ranked]:
    """A page of rows without scores.

    Args:
        found: each view's rows in the order of their keys.
    """
    found = [(view, rows) for view, rows in found if len(rows)]
    if len(found) == 1:
        ((view, rows),) = found
        return [Ranked(view, int(row), 0.0) for row in rows[offset : offset + limit]]
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
    every: list[tuple[float, bytes, bytes, View, int]] = []
    for view, rows, scores in found:
        documents = view.segment.of_kind(kind)
        for row, score in zip(*_best(documents, rows, scores, decimals, depth), strict=True):
            every.append((-score, documents.id(row), view.segment.studies[documents.study(row)], view, row))
    every.sort(key=lambda one: one[:3])
    return [Ranked(view, row, -score) for score, _, _, view, row in every[offset:depth]]


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
