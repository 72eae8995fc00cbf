"""The rows of each value of one field, for filters, counts and lookups.

Belongs here: building, reading and merging a field's sorted values with the rows that hold each. A row may hold many values, so
a narrower value's row can hold all wider values as well. A value is a token: what it means is up to those who write and ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medsearch_core.search.embedded.arrays import Array, MappedArrays
from medsearch_core.search.embedded.strings import Strings, encoded

Rows = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Postings:
    """Sorted values; value v is held by `rows[starts[v]:starts[v + 1]]`, ascending."""

    values: Strings
    starts: Integers
    rows: Rows

    @staticmethod
    def of(rows: Iterable[Iterable[str]]) -> Postings:
        """From each row's values, which may repeat."""
        held: dict[bytes, list[int]] = {}
        for row, values in enumerate(rows):
            for value in set(values):
                held.setdefault(encoded(value), []).append(row)
        values_ = sorted(held)
        starts = np.zeros(len(values_) + 1, np.int64)
        np.cumsum([len(held[value]) for value in values_], out=starts[1:])
        every = np.fromiter((row for value in values_ for row in held[value]), np.int32, int(starts[-1]))
        return Postings(Strings.of(values_), starts, every)

    @staticmethod
    def read(arrays: MappedArrays, name: str) -> Postings:
        """Those stored under a name; none if the file has none."""
        values = Strings(arrays.get(f"{name}.values", "u1"), arrays.get(f"{name}.ends", "<i8"))
        return Postings(values, arrays.get(f"{name}.starts", "<i8", 1), arrays.get(f"{name}.rows", "<i4"))

    def arrays(self, name: str) -> dict[str, Array]:
        """For a file; nothing if no row has a value."""
        if not len(self.values):
            return {}
        return {
            f"{name}.values": self.values.data,
            f"{name}.ends": self.values.ends,
            f"{name}.starts": self.starts,
            f"{name}.rows": self.rows,
        }

    def of_value(self, value: bytes) -> Rows:
        """The rows that hold a value."""
        place = self.values.find(value)
        return self.rows[:0] if place is None else self.of_range((place, place + 1))

    def of_range(self, places: tuple[int, int]) -> Rows:
        """The rows of a range of values; a row is given once per value."""
        return self.rows[self.starts[places[0]] : self.starts[places[1]]]

    def counts(self, matching: Mask | None) -> Integers:
        """How many of the matching rows hold each value; None for all rows."""
        if matching is None:
            return np.diff(self.starts)
        running = np.zeros(len(self.rows) + 1, np.int64)
        np.cumsum(matching[self.rows], out=running[1:])
        return np.diff(running[self.starts])


def merged(parts: Sequence[tuple[Postings, Integers]]) -> Postings:
    """Several fields' values as one.

    Args:
        parts: each with the new row of each of its rows, −1 for a row that is dropped.
    """
    values, places, rows = merged_terms([(one.values, one.starts, one.rows, moved) for one, moved in parts])
    order = np.argsort(places * (rows.max(initial=0) + 1) + rows)
    kept, counts = np.unique(places, return_counts=True)
    starts = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return Postings(Strings.of([values[place] for place in kept.tolist()]), starts, rows[order].astype(np.int32))


def merged_terms(parts: Sequence[tuple[Strings, Integers, Rows, Integers]]) -> tuple[list[bytes], Integers, Integers]:
    """All values of several fields, sorted; and of each entry that is kept, the value's place and the new row, part by part."""
    listed = [list(values) for values, *_ in parts]
    values = sorted(set().union(*listed))
    place_of = {value: place for place, value in enumerate(values)}
    places, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for own, (_, starts, held, moved) in zip(listed, parts, strict=True):
        of_entry = np.repeat(np.fromiter(map(place_of.__getitem__, own), np.int64, len(own)), np.diff(starts))
        new = moved[held]
        places.append(of_entry[new >= 0])
        rows.append(new[new >= 0])
    return values, np.concatenate(places), np.concatenate(rows)
