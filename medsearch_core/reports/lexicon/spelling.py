"""The words that misspelt ones are corrected to, and the correct ones that resemble them.

Belongs here: the words of the data files' phrases, and `english_neighbors.csv`: words of English and of medicine that are one
edit away from one of them, so that "infraction" stays what it is. The file is made, but for its rows `by hand`:

    python -m medsearch_core.reports.lexicon.spelling

writes it again after a change of the vocabulary. The words are those of pyspellchecker's English dictionary (MIT) and of the
descriptions of ICD-10-CM (public domain); neither is needed to read reports.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Container, Iterable
from functools import lru_cache

from medsearch_core.reports.data_files import FOLDER, rows
from medsearch_core.reports.text.spelling import MIN_LETTERS, SpellingIndex
from medsearch_core.reports.text.words import fold

PHRASES = (
    ("vocabulary.csv", "phrases"),
    ("vocabulary_icd10cm.csv", "phrases"),
    ("normals.csv", "phrase"),
    ("qualifiers.csv", "phrase"),
    ("context.csv", "phrase"),
    ("generics.csv", "phrases"),
    ("organs.csv", "words"),
    ("answers.csv", "phrase"),
)
"""The files whose words are read in reports, and their columns of phrases."""

OTHER_FILES = ("chapters.csv", "codes.csv", "examinations.csv", "headers.csv", "senses.csv")
"""Files of correct words that are not looked for in findings."""

BRITISH = (("ae", "e"), ("oe", "e"), ("our", "or"), ("tre", "ter"), ("ise", "ize"), ("isa", "iza"), ("ll", "l"))

LETTERS = re.compile(r"[^\W\d_]+")

NEIGHBORS = "english_neighbors.csv"

BY_HAND = "by hand"

HEADER = """word,source
# Correct words that are one edit away from a word of the vocabulary, folded; never corrected. Made by
# `python -m medsearch_core.reports.lexicon.spelling`, which keeps the rows "by hand". Words of pyspellchecker's English
# dictionary (MIT) and of ICD-10-CM's descriptions (CDC/NCHS, public domain).
"""


@lru_cache
def spelling() -> SpellingIndex:
    """Corrections towards the words of the data files."""
    return SpellingIndex(phrase_words(), frozenset(row["word"] for row in rows(NEIGHBORS)))


def phrase_words() -> Counter[str]:
    """The folded words of all phrases, with the number of phrases that each stands in."""
    return Counter(
        fold(word)
        for name, column in PHRASES
        for row in rows(name)
        for phrase in row[column].split("|")
        for word in LETTERS.findall(phrase)
    )


def find_neighbors(sources: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """The words of the sources that would be corrected were they not known, each with the first source that has it."""
    words = phrase_words()
    index = SpellingIndex(words)
    found: dict[str, str] = {}
    for source, candidates in sources:
        for candidate in candidates:
            word = fold(candidate)
            if len(word) < MIN_LETTERS or word in words or word in found or is_british(word, words):
                continue
            if index.neighbors(word):
                found[word] = source
    return found


def is_british(word: str, words: Container[str]) -> bool:
    """Whether a word is a British spelling of one of the words: "haemorrhage", "tumour"."""
    return any(word.replace(british, american) in words for british, american in BRITISH if british in word)


def sources() -> list[tuple[str, Iterable[str]]]:
    """The words of English and of medicine; needs pyspellchecker and simple-icd-10-cm, extras of development."""
    import simple_icd_10_cm as icd
    from spellchecker import SpellChecker

    english = (word for word in SpellChecker(language="en").word_frequency.dictionary if re.fullmatch("[a-z]+", word))
    medical = (word for code in icd.get_all_codes() for word in LETTERS.findall(icd.get_description(code)))
    data = (word for name in OTHER_FILES for row in rows(name) for value in row.values() for word in LETTERS.findall(value))
    return [("pyspellchecker", english), ("ICD-10-CM", medical), ("data files", data)]


def neighbors_file() -> str:
    """The text of `english_neighbors.csv` as it has to be for today's vocabulary."""
    found = {row["word"]: BY_HAND for row in rows(NEIGHBORS) if row["source"] == BY_HAND}
    found |= {word: source for word, source in find_neighbors(sources()).items() if word not in found}
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(sorted(found.items()))
    return HEADER + table.getvalue()


if __name__ == "__main__":
    (FOLDER / NEIGHBORS).write_text(neighbors_file(), encoding="utf-8")
