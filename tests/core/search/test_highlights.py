"""Highlights: exactly the words by which an index finds a text, with their positions."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import lancedb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.errors import InvalidQuery
from medsearch_core.search.embedded.table import WORDS_INDEX
from medsearch_core.search.highlights import matching_spans
from medsearch_core.search.tokens import compared, stems_of, tokenize, words_of
from tests.core.search.search_documents import WORDS
from tests.support.examples import examples

OPTIONS: dict[str, Any] = {
    name: getattr(WORDS_INDEX, name)
    for name in ("base_tokenizer", "lower_case", "stem", "remove_stop_words", "max_token_length", "ascii_folding")
}


def by_lance(words: list[str]) -> list[str]:
    """Prepared words as the embedded index's engine compares them."""
    return [token.text for token in lancedb.tokenize(" ".join(words), **OPTIONS)]


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Small effusions. No EFFUSION, ineffusion.", "Effusion", ["effusions", "EFFUSION"]),
        ("Bilateral pneumothoraces; hilar oedema.", "pneumothorax edema", ["pneumothoraces", "oedema"]),
        ("There is no pneumothorax.", "there is no pneumothorax", ["pneumothorax"]),
        ("Sjögren's, SJO\u0308GREN", "sjogren", ["Sjögren"]),
        ("right_lower-lobe", "lobe_lower", ["lower", "lobe"]),
        ("T12/L1 t12", "T12", ["T12", "t12"]),
        ("x" * 40 + " " + "x" * 39, "x" * 39 + " " + "x" * 40, ["x" * 39]),
        ("𝛼 Opacity, İİ opacities", "OPACITY", ["Opacity", "opacities"]),
        ("İstanbul", "istanbul", ["İstanbul"]),
        ("Cœur COEUR ﬁbrosis", "cœur fibrosis", ["Cœur", "COEUR", "ﬁbrosis"]),
        ("effusion", "", []),
        ("effusion", '"the" -no (', []),
        ("", "effusion", []),
    ],
)
def test_the_words_asked_for_are_marked(text: str, query: str, marked: list[str]) -> None:
    assert [text[begin:end] for begin, end in matching_spans(text, query)] == marked


def test_places_are_counted_in_code_points() -> None:
    assert matching_spans("𝛼𝛼 İ opacity, e\u0301 opacity", "opacity") == [(5, 12), (17, 24)]


def test_a_query_has_as_many_words_as_a_search_may_have() -> None:
    words = [f"word{n}" for n in range(257)]
    assert len(matching_spans(" ".join(words), " ".join(words[1:]))) == 256
    with pytest.raises(InvalidQuery):
        matching_spans("", " ".join(words))


def test_every_character_of_a_word_is_folded_as_the_index_folds_it() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    words = [word for character in every for word in words_of(character)]
    assert len(words) > 100_000
    assert [compared(word) for word in words] == by_lance(stems_of(words))


awkward = st.sampled_from("İıßẞſKÅǅǆﬁΣς½²ĸŁœŉﷺ한각\u0308\u0301_'-. \0")
texts = st.lists(st.sampled_from(WORDS) | st.text(awkward | st.characters(), max_size=4), max_size=12).map(" ".join)


@settings(max_examples=examples(200), deadline=None, derandomize=True, database=None)
@given(texts, texts)
def test_marked_is_what_the_index_compares_alike_and_nothing_else(text: str, query: str) -> None:
    asked = set(by_lance(stems_of(words_of(query))))
    spans = matching_spans(text, query)
    assert [by_lance(stems_of(words_of(text[begin:end]))) for begin, end in spans] == [
        [form] for form in by_lance(stems_of(words_of(text))) if form in asked
    ]
    assert all(before.end <= after.begin for before, after in pairwise(spans))
    assert [word.spelling for word in tokenize(text)] == words_of(text)
