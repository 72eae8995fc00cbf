"""Misspelled words of a question.

Belongs here: which word of the vocabulary, or of the reports themselves, a word that stands in no report was meant to be. The
distance is optimal string alignment (rapidfuzz): a letter too many, missing, wrong, or two that changed places. A first letter
may be missing, but not wrong: "misplaced" is not "displaced". A word that a report holds is never corrected; a correction is
always told, with the word as it was typed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from medsearch_core.questions.terms import FOLDER
from medsearch_core.reports.data_files import read_rows
from medsearch_core.reports.lexicon.spelling import LETTERS, phrase_words, sources
from medsearch_core.reports.text.words import fold

ENGLISH = "english_words.csv"
HEADER = """word
# Words of English and of medicine that resemble one of the vocabulary's, folded: they are never corrected. Made by
# `python -m medsearch_core.questions.spelling` after a change of the vocabulary, from pyspellchecker's English dictionary (MIT)
# and the descriptions of ICD-10-CM (CDC/NCHS, public domain).
"""

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
        self._english = frozenset(row["word"] for row in read_rows(FOLDER / ENGLISH))
        common = (word for word, reports in self._frequencies.items() if reports >= MIN_REPORTS)
        self._targets = sorted({word for word in (*self._own, *common) if len(word) >= MIN_LETTERS and word.isalpha()})
        self._corrected = lru_cache(maxsize=4096)(self._correct)

    def knows(self, word: str) -> bool:
        """Whether a folded word is one of the vocabulary or of some report."""
        return word in self._own or word in self._frequencies

    def is_english(self, word: str) -> bool:
        """Whether a folded word that resembles one of the vocabulary is a word of its own, such as "plural"."""
        return word in self._english

    def correct(self, word: str) -> str | None:
        """The word that a folded one was meant to be; None where it is known, or resembles none."""
        if self.knows(word) or len(word) < MIN_LETTERS or not word.isalpha() or not word.isascii():
            return None
        return self._corrected(word)

    def _correct(self, word: str) -> str | None:
        most = 2 if len(word) >= LONG else 1
        near = process.extract(word, self._targets, scorer=OSA.distance, score_cutoff=most, limit=16)
        ranked = sorted(
            (distance, -self._rank(other), other)
            for other, distance, _ in near
            if other[0] == word[0] or len(other) != len(word)
        )
        return ranked[0][-1] if ranked else None

    def _rank(self, word: str) -> int:
        """Words of many reports first, those of the vocabulary before others."""
        return self._frequencies.get(word, 0) + (100 if word in self._own else 0)


def alike_among(word: str, targets: Sequence[str]) -> list[tuple[str, int]]:
    """The targets that a word may be a misspelling of, each with the number of edits."""
    most = 2 if len(word) >= LONG else 1
    near = process.extract(word, targets, scorer=OSA.distance, score_cutoff=most, limit=16)
    return [(other, int(edits)) for other, edits, _ in near if other[0] == word[0] or len(other) != len(word)]


@lru_cache
def own_words() -> frozenset[str]:
    """The folded words of the reader's vocabulary and of the question's tables."""
    columns = {"terms.csv": "phrases", "fields.csv": "phrase", "normal.csv": "phrase", "fillers.csv": "phrase"}
    phrases = (row[column] for name, column in columns.items() for row in read_rows(FOLDER / name))
    return frozenset(phrase_words()) | frozenset(_words(phrases))


def _words(phrases: Iterable[str]) -> Iterable[str]:
    return (fold(word) for phrase in phrases for word in LETTERS.findall(phrase))


def english_file() -> str:
    """The text of `english_words.csv` as it has to be for today's vocabulary."""
    own = own_words()
    targets = sorted(word for word in own if len(word) >= MIN_LETTERS and word.isalpha())
    words = {fold(word) for _, found in sources() for word in found}
    known = sorted(w for w in words - own if len(w) >= MIN_LETTERS and w.isascii() and w.isalpha() and alike_among(w, targets))
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([word] for word in known)
    return HEADER + table.getvalue()


if __name__ == "__main__":
    (FOLDER / ENGLISH).write_text(english_file(), encoding="utf-8")
