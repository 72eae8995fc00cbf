"""The words of a text as every search index compares them, up to the stem.

Belongs here: what a word is, which words are passed over, and which spellings are one word. A word is a run of letters and
digits in lower case, shorter than 40; English stop words are those of Lucene; `medical_words.csv` maps irregular plurals and
British spellings to the form whose stem they share ("pneumothoraces", "oedema"). Words are then compared by their Snowball
English stem ("Porter 2", in the version of Lucene 9) with accents folded: OpenSearch does both itself, the embedded index takes
`stems_of`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

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


@cache
def medical_forms() -> dict[str, str]:
    """Irregular or British form → the form it is compared as, both single words in lower case."""
    text = files(__package__).joinpath("medical_words.csv").read_text(encoding="utf-8")
    return {row["form"]: row["compared_as"] for row in csv.DictReader(text.splitlines())}


def words_of(text: str) -> list[str]:
    """The words in their order, without stop words."""
    forms = medical_forms()
    lowered = ("".join(c.lower()[:1] for c in word) for word in _WORD.findall(text) if len(word) <= LONGEST)
    return [w for w in (forms.get(w, w) for w in lowered) if w not in STOP_WORDS]


def words_asked(query: str) -> list[str]:
    """The different words of a user's query, in their order.

    Raises:
        InvalidQuery: there are more than `MAX_WORDS`.
    """
    asked = list(dict.fromkeys(words_of(query)))
    if len(asked) > MAX_WORDS:
        raise InvalidQuery(f"a query may hold at most {MAX_WORDS} different words")
    return asked


def stems_of(words: Iterable[str]) -> list[str]:
    """The stem of each word."""
    return [_stem(word) for word in words]


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    stem: str = _stemmer().stemWord(word)
    return stem


@cache
def _stemmer() -> Any:
    return snowballstemmer.stemmer("english")
