"""LUT Descriptor and LUT Data as arrays: modality and VOI tables (PS3.3 C.11.1.1, C.11.2.1.1) and palettes (C.7.6.3.1.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import numbers, value

MAX_ENTRIES = 2**16


@dataclass(frozen=True, slots=True)
class LookupTable:
    """`entries[0]` is the output for `first` and everything below it, the last for everything above."""

    first: int
    bits: int
    entries: np.ndarray

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
    words = _words(value(ds, data), is_little, count % MAX_ENTRIES or MAX_ENTRIES, bits)
    if not len(words):
        return None
    is_wrapped = may_be_signed and first >= 2**15
    return LookupTable(first - 2**16 if is_wrapped else first, bits, words)


def _words(found: object, is_little: bool, count: int, bits: int) -> np.ndarray:
    if isinstance(found, bytes):
        dtype = "u1" if len(found) < 2 * count else ("<u2" if is_little else ">u2")
        usable = found[: len(found) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize]
        return np.frombuffer(usable, dtype)[:count].astype(np.uint16)
    if isinstance(found, int):
        found = [found]
    if not isinstance(found, str) and hasattr(found, "__iter__"):
        words = np.array([int(word) & 0xFFFF for word in found], np.uint16)
        is_packed = bits <= 8 and len(words) == (count + 1) // 2 < count
        return words.astype("<u2").view(np.uint8)[:count].astype(np.uint16) if is_packed else words[:count]
    return np.empty(0, np.uint16)


def expanded(segments: np.ndarray, count: int) -> np.ndarray:
    """A segmented palette unrolled (PS3.3 C.7.9.2): discrete, linear and indirect segments.

    Args:
        segments: the data as uint8 or uint16 words.
        count: entries of the table; no more than these are unrolled.

    Raises:
        ValueError: the segments are not valid palette segments.
    """
    out: list[int] = []
    _expand(segments.tolist(), 0, None, out, count, segments.dtype.itemsize, 0)
    return np.array(out[:count], np.uint16)


def _expand(data: list[int], at: int, segments: int | None, out: list[int], count: int, word_bytes: int, depth: int) -> None:
    done = 0
    while at + 1 < len(data) and len(out) < count and done != segments:
        code, length = data[at], data[at + 1]
        at += 2
        if code == 0:
            out.extend(data[at : at + length])
            at += length
        elif code == 1 and out and length and at < len(data):
            start, end = out[-1], data[at]
            out.extend(round(start + (end - start) * step / length) for step in range(1, length + 1))
            at += 1
        elif code == 2 and depth == 0:
            words = 4 // word_bytes
            offset = sum(word << (8 * word_bytes * n) for n, word in enumerate(data[at : at + words]))
            _expand(data, offset // word_bytes, length, out, count, word_bytes, depth + 1)
            at += words
        else:
            raise ValueError("a segment of an unknown or impossible kind")
        done += 1
