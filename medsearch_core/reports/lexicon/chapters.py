"""May an ICD-10-CM code be what a mention means, given the words it stands among?

Belongs here: the guard on chapters (`chapters.csv`). "Opacity" in a chest report is not an opacity of the cornea: a code of a
chapter listed there holds only where one of the chapter's own words stands in the mention's sentence. Codes of all other
chapters pass. Asked of the tables of this package by its tests, and of what a service answers as it answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.words import WORD, fold


@dataclass(frozen=True, slots=True)
class Chapter:
    """Categories `first` to `last`, and the words without which none of them is meant."""

    first: str
    last: str
    words: frozenset[str]


@lru_cache
def _guarded() -> tuple[Chapter, ...]:
    return tuple(
        Chapter(row["first"], row["last"], frozenset(map(fold, row["words"].split("/")))) for row in rows("chapters.csv")
    )


def is_plausible(code: str, sentence: str) -> bool:
    """Whether a mention in this sentence may have this code."""
    category = code[:3].upper()
    named = {fold(word) for word in WORD.findall(sentence)}
    return all(not chapter.words.isdisjoint(named) for chapter in _guarded() if chapter.first <= category <= chapter.last)
