"""Misspelled words of a question.

Belongs here: which word of the vocabulary, or of the reports themselves, a word that stands in no report was meant to be. The
distance is optimal string alignment (rapidfuzz): a letter too many, missing, wrong, or two that changed places. A word that a
report holds is never corrected; a correction is always told, with the word as it was typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from medsearch_core.questions.terms import FOLDER
from medsearch_core.reports.data_files import read_rows
from medsearch_core.reports.lexicon.spelling import LETTERS, phrase_words
from medsearch_core.reports.text.words import fold

MIN_LETTERS = 4
LONG = 8
"""From so many letters on, two edits are one misspelling."""

MIN_REPORTS = 5
"""A word of the reports that others are corrected to stands in at least so many."""


class Dictionary:
    """The words that questions may hold.

    Args:
        frequencies: word as folded → the number of reports that hold it; of words in any report.
    """

    def __init__(self, frequencies: Mapping[str, int] | None = None) -> None:
        self._frequencies = dict(frequencies or {})
        self._own = own_words()
        common = (word for word, reports in self._frequencies.items() if reports >= MIN_REPORTS)
        self._targets = sorted({word for word in (*self._own, *common) if len(word) >= MIN_LETTERS and word.isalpha()})
        self._corrected = lru_cache(maxsize=4096)(self._correct)

    def knows(self, word: str) -> bool:
        """Whether a folded word is one of the vocabulary or of some report."""
        return word in self._own or word in self._frequencies

    def correct(self, word: str) -> str | None:
        """The word that a folded one was meant to be; None where it is known, or resembles none."""
        if self.knows(word) or len(word) < MIN_LETTERS or not word.isalpha() or not word.isascii():
            return None
        return self._corrected(word)

    def _correct(self, word: str) -> str | None:
        most = 2 if len(word) >= LONG else 1
        near = process.extract(word, self._targets, scorer=OSA.distance, score_cutoff=most, limit=16)
        ranked = sorted((distance, other[0] != word[0], -self._rank(other), other) for other, distance, _ in near)
        return ranked[0][-1] if ranked else None

    def _rank(self, word: str) -> int:
        """Words of many reports first, those of the vocabulary before others."""
        return self._frequencies.get(word, 0) + (100 if word in self._own else 0)


@lru_cache
def own_words() -> frozenset[str]:
    """The folded words of the reader's vocabulary and of the question's tables."""
    tables = ("terms.csv", "phrases"), ("fields.csv", "phrase"), ("normal.csv", "phrase"), ("fillers.csv", "phrase")
    return frozenset(phrase_words()) | frozenset(_words(row[column] for name, column in tables for row in read_rows(FOLDER / name)))


def _words(phrases: Iterable[str]) -> Iterable[str]:
    return (fold(word) for phrase in phrases for word in LETTERS.findall(phrase))
