"""Many short texts in two arrays, without a Python object for each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from medsearch_core.search.embedded.arrays import Array
from medsearch_core.search.validation import storable

FENCES = 4096


def encoded(value: str) -> bytes:
    """A text as the index stores and compares it. Bytes sort as the texts do."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return storable(value).encode()


class Strings(Sequence[bytes]):
    """Texts as UTF-8, one after another."""

    def __init__(self, data: Array, ends: Array) -> None:
        """
        Args:
            data: uint8, all texts.
            ends: int64, where each text ends.
        """
        self.data = data
        self.ends = ends
        self._bytes = data.data

    @staticmethod
    def of(values: Sequence[bytes]) -> Strings:
        ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), dtype=np.int64)
        return Strings(np.frombuffer(b"".join(values), np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, place: int) -> bytes:  # type: ignore[override]
        return bytes(self._bytes[self.ends[place - 1] if place else 0 : self.ends[place]])

    def __iter__(self) -> Iterator[bytes]:
        start, whole = 0, bytes(self._bytes)
        for end in self.ends.tolist():
            yield whole[start:end]
            start = end

    def text(self, place: int) -> str:
        return self[place].decode()

    def find(self, value: bytes) -> int | None:
        """The place of a text among sorted ones; None if it is not there."""
        start = max(0, bisect_right(self._fence, value) - 1) * self._stride
        place = bisect_left(self, value, start, min(len(self), start + self._stride))
        return place if place < len(self) and self[place] == value else None

    @cached_property
    def _fence(self) -> list[bytes]:
        """Every text, or some of them at equal distances. A text is found among Python's own values much faster."""
        return [self[place] for place in range(0, len(self), self._stride)]

    @property
    def _stride(self) -> int:
        return 1 + len(self.ends) // FENCES

    def with_prefix(self, prefix: bytes) -> tuple[int, int]:
        """The places of all sorted texts that begin so, as a range."""
        first = bisect_left(self, prefix)
        return first, bisect_left(self, True, first, key=lambda text: not text.startswith(prefix))

    def between(self, lowest: bytes | None, highest: bytes | None) -> tuple[int, int]:
        """The places of all sorted texts from one to another, both included, as a range."""
        first = 0 if lowest is None else bisect_left(self, lowest)
        last = len(self) if highest is None else bisect_left(self, highest + b"\0")
        return first, max(first, last)
