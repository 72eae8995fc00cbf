"""Which organ a report names, by the phrases of `organs.csv`.

Belongs here: the organs, their words, and the organ that a mention of a term such as "mass" is of: the one named in its noun
phrase ("renal mass", "mass in the left kidney"), else in the label it stands under ("KIDNEYS: 3 cm mass").
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.phrases import Match, Matcher


@lru_cache
def organ_names() -> dict[str, str]:
    """Organ → the word that stands before a term: `renal` of the kidney."""
    return {row["organ"]: row["name"] for row in rows("organs.csv")}


@lru_cache
def organ_matcher() -> Matcher[str]:
    """The phrases that name organs."""
    return Matcher((phrase, row["organ"]) for row in rows("organs.csv") for phrase in row["words"].split("|"))


def organs_in(words: list[str]) -> list[Match[str]]:
    """The organs named in these folded words, in their order."""
    return organ_matcher().find(words)


def first_organ(words: Iterable[str]) -> str | None:
    """The organ that a label or a title names first."""
    found = organs_in(list(words))
    return found[0].value if found else None
