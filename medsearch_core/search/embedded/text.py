"""Text search: BM25 (k1 1.2, b 0.75) over the visible reports, phrases, and words by their beginning.

Belongs here: which reports match, and their scores. Counts of reports and words are those of the visible reports of the whole
release, so a score depends neither on how segments are cut nor on replaced reports.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from medsearch_core.search.embedded.fields import REPORT
from medsearch_core.search.embedded.postings import Integers, Mask, Rows
from medsearch_core.search.embedded.strings import encoded
from medsearch_core.search.embedded.view import K1, Snapshot, View
from medsearch_core.search.embedded.words import Words
from medsearch_core.search.query import TextField

DECIMALS = 5


class Scratch(threading.local):
    """Two arrays for intermediate results, for each thread. Making them anew for each word takes most of a query's time."""

    held = np.empty((2, 0))

    def of_length(self, length: int) -> npt.NDArray[np.float64]:
        if self.held.shape[1] < length:
            self.held = np.empty((2, length))
        return self.held


_SCRATCH = Scratch()


class TextQuery:
    """Words looked for in fields, any of them, in one version."""

    def __init__(self, snapshot: Snapshot, words: Sequence[str], fields: Sequence[TextField]) -> None:
        """
        Args:
            words: as they are compared. One that is given twice counts twice.
        """
        self._asked = [(field, word, times) for field in fields for word, times in Counter(words).items()]
        self._averages = snapshot.average_length
        self._places = {
            view: [view.segment.words(field).words.find(encoded(word)) for field, word, _ in self._asked]
            for view in snapshot.views
        }
        self._rarity = [self._rarity_of(number) for number in range(len(self._asked))]

    def scores(self, view: View) -> npt.NDArray[np.float64]:
        """The score of each report of a view, also of hidden ones; 0 without a match."""
        scores = np.zeros(len(view.segment.reports))
        scratch = _SCRATCH.of_length(len(scores))
        for (field, _, times), place, rarity in zip(self._asked, self._places[view], self._rarity, strict=True):
            if place is not None:
                words = view.segment.words(field)
                here = words.entries(place)
                rows = words.rows[here]
                often, divisor = scratch[0][: len(rows)], scratch[1][: len(rows)]
                often[:] = words.counts[here]
                np.take(self._norm(view, field), rows, out=divisor, mode="clip")
                divisor += often
                np.divide(often, divisor, out=often)
                often *= rarity * times * (K1 + 1)
                np.add.at(scores, rows, often)
        return scores

    def _rarity_of(self, number: int) -> float:
        field = self._asked[number][0]
        holding, reports = 0, self._averages[field][0]
        for view, places in self._places.items():
            place = places[number]
            if place is not None:
                words = view.segment.words(field)
                rows = words.rows[words.entries(place)]
                holding += len(rows) - _shared(rows, view.hidden_rows(REPORT))
        return math.log(1 + (reports - holding + 0.5) / (holding + 0.5))

    def _norm(self, view: View, field: TextField) -> npt.NDArray[np.float64]:
        return view.norm(field, self._averages[field][1])


def _shared(rows: Rows, others: Rows) -> int:
    """How many rows two ascending lists share."""
    less, more = sorted((rows, others), key=len)
    if not len(less):
        return 0
    places = np.minimum(more.searchsorted(less), len(more) - 1)
    return int(np.count_nonzero(more[places] == less))


def with_phrase(view: View, field: TextField, words: Sequence[str]) -> Mask:
    """The reports that hold these words side by side, in this order, also hidden ones.

    Args:
        words: as they are compared, at least one; an empty one stands for any word.
    """
    held = view.segment.words(field)
    stride = 1 + int(held.positions.max(initial=0)) + len(words)
    starts: Integers | None = None
    for number, word in enumerate(words):
        if word:
            place = held.words.find(encoded(word))
            rows, positions = held.occurrences(place) if place is not None else (np.empty(0, np.int64), np.empty(0, np.int64))
            begun = rows * stride + positions - number + len(words)
            starts = begun if starts is None else np.intersect1d(starts, begun, assume_unique=True)
    mask = np.zeros(len(view.segment.reports), bool)
    if starts is not None:
        mask[starts // stride] = True
    return mask


def with_beginning(words: Words, beginning: str) -> list[str]:
    """All words of a field that begin so, sorted."""
    first, last = words.words.with_prefix(encoded(beginning))
    return [words.words.text(place) for place in range(first, last)]
