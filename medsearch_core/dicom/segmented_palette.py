"""Segmented palettes unrolled (PS3.3 C.7.9.2): discrete, linear and indirect segments."""

from __future__ import annotations

import numpy as np

DISCRETE, LINEAR, INDIRECT = 0, 1, 2


def expanded(words: np.ndarray, count: int) -> np.ndarray:
    """The entries of a segmented palette. The work is proportional to their number: every segment yields at least one.

    Args:
        words: the data, uint8 or uint16.
        count: entries of the table; no more than these are unrolled.

    Returns:
        uint16, at most `count`; fewer if an empty segment, which can only be padding, comes before.

    Raises:
        ValueError: the words are not valid segments.
    """
    data, size, out = words.tolist(), words.itemsize, list[int]()
    at = 0
    while len(out) < count and not _is_over(data, at):
        at = _repeat(data, at, size, out, count) if data[at] == INDIRECT else _append(data, at, out, count)
    return np.array(out, np.uint16)


def _is_over(data: list[int], at: int) -> bool:
    return at + 1 >= len(data) or not data[at + 1]


def _repeat(data: list[int], at: int, size: int, out: list[int], count: int) -> int:
    """Appends earlier segments again: how many is said, and the offset of the first in bytes, in four bytes, low first."""
    width = 4 // size
    source = sum(word << (8 * size * n) for n, word in enumerate(data[at + 2 : at + 2 + width])) // size
    for _ in range(data[at + 1]):
        if len(out) == count:
            break
        if _is_over(data, source):
            raise ValueError("a segment that does not exist is repeated")
        source = _append(data, source, out, count)
    return at + 2 + width


def _append(data: list[int], at: int, out: list[int], count: int) -> int:
    """Appends a discrete or linear segment's entries; returns where the next segment begins."""
    code, length, first = data[at], data[at + 1], at + 2
    steps = range(1, min(length, count - len(out)) + 1)
    if first >= len(data):
        raise ValueError("a segment without entries")
    if code == DISCRETE:
        out.extend(data[first : first + len(steps)])
        return first + length
    if code == LINEAR and out:
        start, end = out[-1], data[first]
        out.extend(round(start + (end - start) * step / length) for step in steps)
        return first + 1
    raise ValueError("a segment of an unknown or impossible kind")
