"""The words of one text field, with their positions.

Belongs here: building, reading and merging. Words are stems with accents folded (`tokens.compared_words`). A position counts
all words of a text, also those that are ignored, so that a phrase does not match across them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medsearch_core.search.embedded.arrays import Array, MappedArrays
from medsearch_core.search.embedded.postings import Integers, Rows, merged_terms
from medsearch_core.search.embedded.strings import Strings
from medsearch_core.search.tokens import compared_words


@dataclass(frozen=True)
class Words:
    """Sorted words; the reports with word w are `rows[starts[w]:starts[w + 1]]`, ascending, entry e holds it `counts[e]` times.

    `lengths` is the number of words of each report, without those that are ignored. The positions of all entries follow one
    another; those of word w begin at `position_starts[w]`.
    """

    words: Strings
    starts: Integers
    rows: Rows
    counts: npt.NDArray[np.unsignedinteger]
    positions: npt.NDArray[np.unsignedinteger]
    position_starts: Integers
    lengths: npt.NDArray[np.int32]

    @staticmethod
    def of(texts: Sequence[str | None]) -> Words:
        ids: dict[str, int] = {"": 0}
        found = [np.fromiter((ids.setdefault(w, len(ids)) for w in compared_words(t or "")), np.int64) for t in texts]
        places = np.concatenate([np.arange(len(one)) for one in found]) if found else np.empty(0, np.int64)
        rows = np.repeat(np.arange(len(texts)), [len(one) for one in found])
        every = np.concatenate(found) if found else np.empty(0, np.int64)
        is_word = every > 0
        order_of = np.zeros(len(ids), np.int64)
        words = sorted(word.encode() for word in ids if word)
        order_of[[ids[word.decode()] for word in words]] = np.arange(len(words))
        return _grouped(words, order_of[every[is_word]], rows[is_word], places[is_word], len(texts))

    @staticmethod
    def read(arrays: MappedArrays, name: str) -> Words:
        return Words(
            Strings(arrays.get(f"{name}.words", "u1"), arrays.get(f"{name}.ends", "<i8")),
            arrays.get(f"{name}.starts", "<i8", 1),
            arrays.get(f"{name}.rows", "<i4"),
            arrays.get(f"{name}.counts", "u1"),
            arrays.get(f"{name}.positions", "u1"),
            arrays.get(f"{name}.position_starts", "<i8", 1),
            arrays.get(f"{name}.lengths", "<i4"),
        )

    def arrays(self, name: str) -> dict[str, Array]:
        """For a file."""
        return {
            f"{name}.words": self.words.data,
            f"{name}.ends": self.words.ends,
            f"{name}.starts": self.starts,
            f"{name}.rows": self.rows,
            f"{name}.counts": self.counts,
            f"{name}.positions": self.positions,
            f"{name}.position_starts": self.position_starts,
            f"{name}.lengths": self.lengths,
        }

    def entries(self, place: int) -> slice:
        """Where a word's reports are."""
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    def occurrences(self, place: int) -> tuple[Integers, Integers]:
        """The report and the position of every occurrence of a word, in order."""
        here = self.entries(place)
        rows = np.repeat(self.rows[here].astype(np.int64), self.counts[here])
        start, end = self.position_starts[place : place + 2]
        return rows, self.positions[start:end].astype(np.int64)


def merged_words(parts: Sequence[tuple[Words, Integers]], rows: int) -> Words:
    """Several fields' words as one, in which the field has `rows` rows.

    Args:
        parts: each with the new row of each of its rows, −1 for a row that is dropped.
    """
    each = [(one.words, one.position_starts, np.repeat(one.rows, one.counts), moved) for one, moved in parts]
    words, places, new = merged_terms(each)
    kept = [one.positions[moved[held] >= 0] for (one, _), (_, _, held, moved) in zip(parts, each, strict=True)]
    positions = np.concatenate([np.empty(0, np.int64), *kept]).astype(np.int64)
    order = np.argsort(places * (rows + 1) + new, kind="stable")
    return _grouped(words, places[order], new[order], positions[order], rows)


def _grouped(words: Sequence[bytes], places: Integers, rows: Integers, positions: Integers, count: int) -> Words:
    """From all occurrences: each one's word by number, row and position. The rows and positions of each word ascend."""
    order = np.argsort(places, kind="stable")
    places, rows, positions = places[order], rows[order], positions[order]
    is_new = np.ones(len(places), bool)
    is_new[1:] = (places[1:] != places[:-1]) | (rows[1:] != rows[:-1])
    first = np.flatnonzero(is_new)
    counts = np.diff(first, append=len(places))
    kept, of_word = np.unique(places[first], return_counts=True)
    starts, position_starts = np.zeros(len(kept) + 1, np.int64), np.zeros(len(kept) + 1, np.int64)
    np.cumsum(of_word, out=starts[1:])
    np.cumsum(np.unique(places, return_counts=True)[1], out=position_starts[1:])
    return Words(
        Strings.of([words[place] for place in kept.tolist()]),
        starts,
        rows[first].astype(np.int32),
        _small(counts),
        _small(positions),
        position_starts,
        np.bincount(rows, minlength=count).astype(np.int32),
    )


def _small(numbers: Integers) -> npt.NDArray[np.unsignedinteger]:
    """The numbers in the smallest unsigned type that holds all."""
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))
