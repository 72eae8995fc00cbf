"""Words, phrases and values in segments: building, merging, beginnings, and where words stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.search.embedded.postings import Postings
from medsearch_core.search.embedded.postings import merged as merged_postings
from medsearch_core.search.embedded.strings import Strings
from medsearch_core.search.embedded.text import with_beginning, with_phrase
from medsearch_core.search.embedded.view import View
from medsearch_core.search.embedded.words import Words, merged_words
from medsearch_core.search.query import TextField
from medsearch_core.search.tokens import compared_words
from tests.core.search.search_documents import study_of
from tests.support.examples import examples

TEXTS = [
    "Small effusion of the left lung.",
    "Effusion, small. Lung: left effusion",
    "left",
    None,
    "The of and",
    "Left lung effusion small small small",
]


def view_of(folder: Path, texts: list[str | None]) -> View:
    """A view of one segment with a report for each text, in this order."""
    index = open_embedded(str(folder))
    index.upsert([study_of(f"s{n}", images=0, findings=text) for n, text in enumerate(texts)])
    (view,) = index._current()._reader.snapshot().views
    return view


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("small effusion", [0]),
        ("effusion small", [1, 5]),
        ("effusions of the left", [0, 1]),
        ("effusions the left", []),
        ("effusion left", []),
        ("left", [0, 1, 2, 5]),
        ("small small", [5]),
        ("small small small small", []),
        ("left lung", [0, 5]),
        ("nowhere", []),
        ("of the", []),
    ],
)
def test_a_phrase_is_words_side_by_side_in_their_order(tmp_path: Path, phrase: str, found: list[int]) -> None:
    view = view_of(tmp_path, TEXTS)
    assert np.flatnonzero(with_phrase(view, TextField.FINDINGS, compared_words(phrase))).tolist() == found


def test_words_are_found_by_their_beginning(tmp_path: Path) -> None:
    words = view_of(tmp_path, ["pneumonia pneumothorax pleura", "pneumonic"]).segment.words(TextField.FINDINGS)
    assert with_beginning(words, "pneumo") == sorted(compared_words("pneumonia pneumonic pneumothorax"))
    assert (with_beginning(words, "q"), len(with_beginning(words, ""))) == ([], 4)


some_words = st.lists(st.sampled_from(["heart", "hearts", "lung", "the", "edema", "é", "ı"]), max_size=6)
texts = st.none() | some_words.map(" ".join)


@settings(max_examples=examples(100), deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(texts, st.booleans()), max_size=8), st.lists(st.tuples(texts, st.booleans()), max_size=8))
def test_merged_words_are_those_of_the_texts_that_are_kept(
    first: list[tuple[str | None, bool]], second: list[tuple[str | None, bool]]
) -> None:
    kept = [text for text, is_kept in (*second, *first) if is_kept]
    moved, count = [], 0
    for some in (second, first):
        moved.append(np.array([(count := count + 1) - 1 if is_kept else -1 for _, is_kept in some], np.int64))
    parts = [(Words.of([text for text, _ in some]), to) for some, to in zip((second, first), moved, strict=True)]
    found, due = merged_words(parts, count), Words.of(kept)
    assert list(found.words) == list(due.words)
    for name in ("starts", "rows", "counts", "positions", "position_starts", "lengths"):
        assert getattr(found, name).tolist() == getattr(due, name).tolist(), name


values = st.lists(st.sampled_from(["a", "b", "ä", "J18", "J18.9", "J1", "", "\0"]), max_size=4)

rows_of_values = st.lists(values, max_size=8)


@settings(max_examples=examples(100), deadline=None, derandomize=True, database=None)
@given(rows_of_values, rows_of_values, st.sampled_from(["a", "J18", "J1", "J", "", "z", "ä"]))
def test_values_are_found_counted_and_merged(first: list[list[str]], second: list[list[str]], asked: str) -> None:
    held = [set(row) for row in first + second]
    parts = [
        (Postings.of(first), np.arange(len(first))),
        (Postings.of(second), np.arange(len(first), len(first) + len(second))),
    ]
    every = merged_postings(parts)
    assert sorted(every.values) == list(every.values)
    assert every.of_value(asked.encode()).tolist() == [row for row, own in enumerate(held) if asked in own]
    beginning = every.of_range(every.values.with_prefix(asked.encode()))
    assert set(beginning.tolist()) == {row for row, own in enumerate(held) if any(v.startswith(asked) for v in own)}
    mask = np.arange(len(held)) % 2 == 0
    for matching in (None, mask):
        counts = {value.decode(): int(n) for value, n in zip(every.values, every.counts(matching), strict=True) if n}
        rows = held if matching is None else held[::2]
        assert counts == {value: n for value in set().union(*held) if (n := sum(value in own for own in rows))}
    low, high = every.values.between(b"J1", b"J18")
    due = sorted({value for own in held for value in own if "J1" <= value <= "J18"})
    assert [every.values.text(place) for place in range(low, high)] == due


def test_many_texts_are_found_as_few_are() -> None:
    every = [f"{n:06}".encode() for n in range(0, 30_000, 3)]
    strings = Strings.of(every)
    assert [strings.find(value) for value in every[::97]] == [*range(0, len(every), 97)]
    assert (strings.find(b"000001"), strings.find(b""), strings.find(b"z")) == (None, None, None)
    assert strings.with_prefix(b"0001") == (34, 67)
