"""LUT Descriptor and LUT Data as arrays: modality and VOI tables (PS3.3 C.11.1.1, C.11.2.1.1) and palettes (C.7.6.3.1.5).

A descriptor's claims are checked against the data: tables are shorter than they claim, and their entries narrower.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import numbers, value

MAX_ENTRIES = 2**16


@dataclass(frozen=True, slots=True)
class LookupTable:
    """`entries[0]` is the output for `first` and everything below it, the last for everything above.

    Args:
        bits: of an entry, as the descriptor claims.
    """

    first: int
    bits: int
    entries: np.ndarray

    @property
    def depth(self) -> int:
        """The bits that the entries really need."""
        return int(self.entries.max()).bit_length()

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Looks up values, float ones rounded; the result has the type of the entries."""
        index = np.rint(values) if values.dtype.kind == "f" else values
        last = self.first + len(self.entries) - 1
        return self.entries[np.clip(index, self.first, last).astype(np.int64) - self.first]


def lookup_table(ds: Dataset, descriptor: str, data: str, *, is_little: bool, may_be_signed: bool) -> LookupTable | None:
    """The table of two attributes, entries as uint16; None if they are absent or inconsistent.

    Args:
        ds: the data set or sequence item that holds them.
        descriptor: keyword of the descriptor: number of entries (0 is 65536), first value mapped, bits of an entry.
        data: keyword of the data, 16-bit words that hold one entry each, or two if entries have 8 bits.
        is_little: the byte order of the words.
        may_be_signed: whether a first value of 32768 or more is a negative value that was stored unsigned.
    """
    description = numbers(ds, descriptor)
    if not description or len(description) != 3 or not 1 <= description[2] <= 16:
        return None
    count, first, bits = (int(number) for number in description)
    words = _entries(value(ds, data), is_little, count % MAX_ENTRIES or MAX_ENTRIES, bits)
    if not len(words):
        return None
    is_wrapped = may_be_signed and first >= 2**15
    return LookupTable(first - 2**16 if is_wrapped else first, bits, words)


def _entries(found: object, is_little: bool, count: int, bits: int) -> np.ndarray:
    if isinstance(found, bytes):
        usable = found[: len(found) // 2 * 2]
        if _are_bytes(len(found), count, bits):
            return np.frombuffer(found, np.uint8)[:count].astype(np.uint16)
        return np.frombuffer(usable, "<u2" if is_little else ">u2")[:count].astype(np.uint16)
    if isinstance(found, int):
        found = [found]
    if not isinstance(found, str) and hasattr(found, "__iter__"):
        words = np.array([int(word) & 0xFFFF for word in found], np.uint16)
        is_packed = count > 1 and _are_bytes(2 * len(words), count, bits)
        return words.astype("<u2").view(np.uint8)[:count].astype(np.uint16) if is_packed else words[:count]
    return np.empty(0, np.uint16)


def _are_bytes(length: int, count: int, bits: int) -> bool:
    """Whether entries are single bytes: these fill the data exactly, or are claimed, and the data is too short for words."""
    return length - count in (0, 1) or (bits <= 8 and length <= count)
