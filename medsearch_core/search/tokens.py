"""The words of a text as every search index compares them.

Belongs here: what a word is, which words are ignored, and which spellings are the same word. A word is a run of letters and
digits in lower case, shorter than 40; English stop words are those of Lucene; `medical_words.csv` maps irregular plurals and
British spellings ("pneumothoraces", "oedema") to a form with the stem they should have. Words are then compared by their
Snowball English stem ("Porter 2", in the version of Lucene 9) with accents folded: OpenSearch does both itself, the embedded
index takes `compared_words`.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import snowballstemmer

from medsearch_core.errors import InvalidQuery
from medsearch_core.search.query import MAX_WORDS

LONGEST = 39

STOP_WORDS = frozenset(
    """
    a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was
    will with
    """.split()  # noqa: SIM905
)
"""Lucene's English stop words."""

_WORD = re.compile(r"[^\W_]+")

_WITHOUT_ACCENT: Final = {
    **{"Æ": "AE", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "d", "đ": "d", "Ħ": "H", "ħ": "h"},
    **{"ı": "i", "ĸ": "k", "ł": "l", "ŋ": "n", "ø": "o", "ŧ": "t"},
}
"""Latin letters that Unicode does not take apart, as Lucene's ASCII folding spells them."""


class Word(NamedTuple):
    """A word before stemming, and its position in the text: `text[begin:end]`, in code points."""

    spelling: str
    begin: int
    end: int


@cache
def medical_forms() -> dict[str, str]:
    """Irregular or British form → the form it is compared as; both are single words in lower case."""
    text = files(__package__).joinpath("medical_words.csv").read_text(encoding="utf-8")
    return {row["form"]: row["compared_as"] for row in csv.DictReader(text.splitlines())}


def tokenize(text: str) -> Iterator[Word]:
    """The words in order with their positions, without stop words."""
    forms = medical_forms()
    for found in _WORD.finditer(text):
        begin, end = found.span()
        if end - begin <= LONGEST:
            lowered = "".join(c.lower()[:1] for c in found.group())
            spelling = forms.get(lowered, lowered)
            if spelling not in STOP_WORDS:
                yield Word(spelling, begin, end)


def words_of(text: str) -> list[str]:
    """The words in order, without stop words."""
    return [word.spelling for word in tokenize(text)]


def query_terms(query: str) -> list[str]:
    """The different words of a user's query, in order.

    Raises:
        InvalidQuery: there are more than `MAX_WORDS`.
    """
    terms = list(dict.fromkeys(words_of(query)))
    if len(terms) > MAX_WORDS:
        raise InvalidQuery(f"a query may hold at most {MAX_WORDS} different words")
    return terms


def compared_words(text: str) -> list[str]:
    """The form by which each word of a text is compared, in order; empty for a word that is ignored."""
    return [_compared_run(run) for run in _WORD.findall(text)]


@lru_cache(maxsize=100_000)
def _compared_run(run: str) -> str:
    word = next(tokenize(run), None)
    return compared(word.spelling) if word else ""


@lru_cache(maxsize=100_000)
def compared(word: str) -> str:
    """The form by which two words are compared: the stem with accents folded.

    Each character is decomposed (Unicode's NFKD) and its ASCII letters and digits are kept; one without any is kept as it is.
    """
    return "".join(_folded(character) for character in _stem(word))


def _folded(character: str) -> str:
    if character.isascii():
        return character
    parts = (_WITHOUT_ACCENT.get(part, part) for part in unicodedata.normalize("NFKD", character))
    return "".join(part for part in parts if part.isascii()) or character


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    stem: str = _stemmer().stemWord(word)
    return stem


@cache
def _stemmer() -> Any:
    return snowballstemmer.stemmer("english")
