"""Highlights: exactly the words by which an index finds a text, with their positions."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.errors import InvalidQuery
from medsearch_core.search.highlights import matching_spans
from medsearch_core.search.tokens import compared, compared_words, tokenize, words_of
from tests.core.search.search_documents import WORDS
from tests.support.examples import examples


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


def test_a_character_is_compared_without_accents_and_none_is_lost() -> None:
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    words = [word for character in every for word in words_of(character)]
    assert len(words) > 100_000
    assert [word for word in compared_words(" ".join(every)) if word] == [compared(word) for word in words]
    assert all(compared(word) for word in words)
    assert [compared(word) for word in ("é", "ø", "ß", "ﬁ", "½", "한")] == ["e", "o", "ss", "fi", "12", "한"]


awkward = st.sampled_from("İıßẞſKÅǅǆﬁΣς½²ĸŁœŉﷺ한각\u0308\u0301_'-. \0")
texts = st.lists(st.sampled_from(WORDS) | st.text(awkward | st.characters(), max_size=4), max_size=12).map(" ".join)


@settings(max_examples=examples(200), deadline=None, derandomize=True, database=None)
@given(texts, texts)
def test_marked_is_what_the_index_compares_alike_and_nothing_else(text: str, query: str) -> None:
    asked = set(compared_words(query)) - {""}
    spans = matching_spans(text, query)
    assert [compared_words(text[begin:end]) for begin, end in spans] == [[w] for w in compared_words(text) if w in asked]
    assert all(before.end <= after.begin for before, after in pairwise(spans))
    assert [word.spelling for word in tokenize(text)] == words_of(text)
