"""Segmented palettes (PS3.3 C.7.9.2), and what made to waste time costs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pytest

from medsearch_core.dicom import segmented_palette
from medsearch_core.dicom.segmented_palette import expanded


def unrolled(words: Sequence[int], count: int = 2**16, dtype: str = "u2") -> list[int]:
    return expanded(np.array(words, dtype), count).tolist()


def test_each_kind_of_segment_is_unrolled() -> None:
    discrete, linear, repeated = [0, 2, 0, 100], [1, 4, 300], [2, 2, 0, 0]
    assert unrolled(discrete + linear + repeated) == [0, 100, 150, 200, 250, 300, 0, 100, 150, 200, 250, 300]


def test_a_repeated_linear_segment_starts_where_the_table_is() -> None:
    assert unrolled([0, 1, 0, 1, 2, 100, 0, 1, 40, 2, 1, 6, 0]) == [0, 50, 100, 40, 70, 100]


def test_an_offset_is_in_bytes_and_in_four_words_of_8_bits() -> None:
    assert unrolled([0, 1, 9, 0, 1, 7, 2, 1, 3, 0, 0, 0], dtype="u1") == [9, 7, 7]


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_no_more_entries_are_unrolled_than_the_table_has(count: int) -> None:
    assert unrolled([0, 2, 1, 2, 1, 60000, 9, 2, 2, 0, 0], count) == [1, 2, 2, 2, 2][:count]


def test_padding_ends_a_table() -> None:
    assert unrolled([0, 1, 5, 0, 0, 0, 0]) == [5]


@pytest.mark.parametrize(
    "words",
    [[1, 2, 200], [9, 2, 200], [2, 1, 0, 0], [0, 1, 5, 2, 1, 60000, 9], [0, 1, 5, 2, 2, 6, 0], [0, 9], [0, 1, 5, 1, 2]],
    ids=["linear first", "unknown", "itself", "outside", "a repeat of a repeat", "no entry", "no end"],
)
def test_what_is_no_segment_is_refused(words: list[int]) -> None:
    with pytest.raises(ValueError, match="segment"):
        unrolled(words)


@pytest.mark.parametrize(
    "words",
    [
        [0, 1, 5] + [0, 0] * 28_000 + [2, 65535, 6, 0] * 15_000,
        [0, 1, 5] + [2, 65535, 6, 0] * 28_000,
        [0, 1, 5, 0, 1, 7] + [2, 65535, 0, 0] * 28_000,
        [0, 1, 5] + [0, 1, 7] * 38_000,
        [0, 1, 5] + [1, 1, 7] * 38_000,
        [0, 1, 5] + [2, 1, 0, 0] * 28_000,
        [0, 1, 5] + [2, 65535, 0, 0] * 28_000,
    ],
    ids=["empty segments", "repeats of repeats", "repeats to the end", "discrete", "linear", "repeated", "long repeats"],
)
def test_no_more_segments_are_visited_than_there_are_entries(words: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    visited = 0
    append = segmented_palette._append

    def counted(*arguments: object) -> int:
        nonlocal visited
        visited += 1
        return append(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(segmented_palette, "_append", counted)
    with suppress(ValueError):
        unrolled(words)
    assert visited <= 2**16
