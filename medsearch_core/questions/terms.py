"""The question's own terms: what people type, and the concepts that they may mean by it, each with a weight.

Belongs here: the meaning of the tables in `data/`. `terms.csv` has what the reader's vocabulary lacks or must not have: lay
words, abbreviations, and words of several meanings. A term of both is the question's. `fields.csv` has words of patient, image
and study; `normal.csv` what asks for a normal study; `fillers.csv` what asks for nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from medsearch_core.questions.question import DIRECT
from medsearch_core.reports.data_files import read_rows, rows
from medsearch_core.reports.lexicon.vocabulary import Concept, vocabulary
from medsearch_core.reports.text.phrases import Matcher

FOLDER = Path(__file__).with_name("data")

NARROWER = 0.8
"""How much a narrower concept weighs, each step down: an asked "lung opacity" is a consolidation, too."""

ALONE = "!"
"""Behind a concept in `terms.csv`: without what is narrower."""

MIN_WEIGHT = 0.2
"""What weighs less is not meant."""

OTHER_ORGANS = 0.5
"""The weight of "mass" in organs other than the chest's, where no organ is named."""


@dataclass(frozen=True, slots=True)
class FilterWords:
    """A row of `fields.csv`: the filter, and its values or its range."""

    name: str
    values: tuple[str, ...]
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The tables, compiled.

    Args:
        found: phrases of the question's terms, as nameable concepts that are none of the reader's.
        meanings: term → concept → weight, without what is narrower.
    """

    found: Matcher[Concept]
    meanings: dict[str, dict[str, float]]
    filters: Matcher[FilterWords]
    normal: Matcher[str]
    fillers: Matcher[str]


@lru_cache
def terms() -> Terms:
    """The tables, read and compiled once."""
    table = read_rows(FOLDER / "terms.csv")
    return Terms(
        Matcher((phrase, Concept(f"?{row['name']}", "diagnosis")) for row in table for phrase in row["phrases"].split("|")),
        {row["name"]: dict(map(_meaning, row["meanings"].split("|"))) for row in table},
        Matcher((row["phrase"], _filter(row)) for row in read_rows(FOLDER / "fields.csv")),
        Matcher((row["phrase"], row["name"]) for row in read_rows(FOLDER / "normal.csv")),
        Matcher((row["phrase"], "filler") for row in read_rows(FOLDER / "fillers.csv")),
    )


def name_of(concept: Concept) -> str:
    """How a found concept or term is called."""
    return concept.name.removeprefix("?")


@lru_cache(maxsize=4096)
def meanings_of(concept: Concept, *, is_anywhere: bool = True) -> dict[str, float]:
    """Concept → weight: what a found concept or term means, with all that is narrower.

    A term that any organ may have is also that of every other organ, unless one is named (`is_anywhere`).
    """
    asked = terms().meanings[name_of(concept)] if concept.name.startswith("?") else {concept.name: DIRECT}
    own = {name.removesuffix(ALONE): weight for name, weight in asked.items()}
    if concept.is_generic and not is_anywhere:
        return own
    if concept.is_generic:
        own |= {named: OTHER_ORGANS for named in _of_organs().get(concept.name, ())}
        own[vocabulary().of_chest.get(concept.name, concept).name] = DIRECT
    found: dict[str, float] = {}
    for name, weight in own.items():
        if name + ALONE not in asked:
            for narrower, steps in narrower_of(name).items():
                found[narrower] = max(found.get(narrower, 0), weight * steps)
    found |= own
    return {name: round(weight, 3) for name, weight in found.items() if weight >= MIN_WEIGHT}


@lru_cache
def _of_organs() -> dict[str, tuple[str, ...]]:
    """Term → the concepts that it has in one organ or another."""
    found: dict[str, set[str]] = defaultdict(set)
    for (term, _), concept in vocabulary().of_organ.items():
        found[term].add(concept.name)
    return {term: tuple(sorted(names)) for term, names in found.items()}


@lru_cache
def _narrower() -> dict[str, dict[str, float]]:
    """Concept → what is one step narrower → how much that weighs."""
    loose = {(row["concept"], row["broader"]): float(row["weight"]) for row in read_rows(FOLDER / "looser.csv")}
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows("hierarchy.csv"):
        found[row["broader"]][row["concept"]] = loose.get((row["concept"], row["broader"]), NARROWER)
    return dict(found)


@lru_cache(maxsize=4096)
def narrower_of(concept: str) -> dict[str, float]:
    """Every concept narrower than this one, with how much it weighs beside it."""
    found: dict[str, float] = {}
    ahead = [(concept, DIRECT)]
    while ahead:
        broader, weight = ahead.pop(0)
        for narrower, own in _narrower().get(broader, {}).items():
            if narrower != concept and weight * own > found.get(narrower, 0):
                found[narrower] = weight * own
                ahead.append((narrower, weight * own))
    return found


def named_with(start: str) -> dict[str, float]:
    """The concepts whose names have a word that begins so, as meanings of one weight."""
    return {name: DIRECT for name in vocabulary().concepts if any(word.startswith(start) for word in name.lower().split())}


def _meaning(text: str) -> tuple[str, float]:
    name, _, weight = text.partition(":")
    return name, float(weight) if weight else DIRECT


def _filter(row: dict[str, str]) -> FilterWords:
    values = tuple(row["values"].split("|")) if row["values"] else ()
    low, high = (float(row[name]) if row[name] else None for name in ("minimum", "maximum"))
    return FilterWords(row["name"], values, low, high)
