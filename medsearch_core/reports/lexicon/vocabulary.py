"""What can be found: concepts with their phrases, their ICD-10-CM codes, and statements of normality.

Belongs here: the meaning of five data files. `vocabulary.csv` has one row per concept; a row without a concept lists phrases
that must not be read as one. `vocabulary_icd10cm.csv` adds descriptions and inclusion terms of ICD-10-CM under the code they
are of. `codes.csv` links concepts to ICD-10-CM: the first row whose qualifier words (all groups, one word of each `a/b` group)
stand in or close to the mention decides; a concept may have no code. `normals.csv` lists statements that imply concepts absent;
`senses.csv` tells apart what a phrase of several meanings means.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.phrases import Matcher, fold

ICD10CM_RELEASE = "April 2026"
"""Release of ICD-10-CM that `codes.csv` was checked against; every code there is billable in it (the tests check)."""

UNLINKED_SCORE = 0.5
"""Score of a mention whose concept has no ICD-10-CM code."""


TERM_SCORE = 0.95
"""Score of a mention in the very words of its code."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A finding, sign or symptom: `category` is diagnosis, sign or symptom, or empty for a phrase to be passed over."""

    name: str
    category: str


@dataclass(frozen=True, slots=True)
class Link:
    """An ICD-10-CM code with its official description, and how certain it is that the concept means it."""

    code: str | None
    description: str | None
    score: float
    qualifier: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sense:
    """What a phrase of several meanings means in a sentence with one of these words; without words, in any other."""

    words: frozenset[str]
    means: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The data files, compiled."""

    concepts: dict[str, Concept]
    findings: Matcher[Concept]
    normals: Matcher[tuple[str, ...]]
    links: dict[str, list[Link]]
    senses: dict[str, list[Sense]]

    def resolve_sense(self, concept: Concept, words: list[str]) -> Concept:
        """The concept that a mention has in a sentence of these folded words."""
        for sense in self.senses.get(concept.name, ()):
            if not sense.words or not sense.words.isdisjoint(words):
                return self.concepts[sense.means]
        return concept

    def link(self, concept: str, nearby: set[str]) -> Link:
        """The code of a concept, given the lower-case words in and close to its mention."""
        for link in self.links.get(concept, ()):
            if all(not group.isdisjoint(nearby) for group in link.qualifier):
                return link
        return Link(None, None, UNLINKED_SCORE)


@lru_cache
def vocabulary() -> Vocabulary:
    """The vocabulary, read and compiled once."""
    terms = rows("vocabulary_icd10cm.csv")
    known = [*rows("vocabulary.csv"), *terms]
    concepts = {row["concept"]: Concept(row["concept"], row["category"]) for row in known}
    phrases = [(phrase.strip(), concepts[row["concept"]]) for row in known for phrase in row["phrases"].split("|")]
    links: dict[str, list[Link]] = defaultdict(list)
    for row in rows("codes.csv"):
        qualifier = tuple(frozenset(group.split("/")) for group in row["qualifier"].split())
        links[row["concept"]].append(Link(row["code"], row["description"], float(row["score"]), qualifier))
    for row in terms:
        links[row["concept"]].append(Link(row["code"], row["description"], TERM_SCORE))
    senses: dict[str, list[Sense]] = defaultdict(list)
    for row in rows("senses.csv"):
        words = frozenset(map(fold, row["words"].split("/"))) if row["words"] else frozenset()
        senses[row["concept"]].append(Sense(words, row["means"]))
    normals = [(row["phrase"], tuple(row["absent"].split("|"))) for row in rows("normals.csv")]
    return Vocabulary(concepts, Matcher(phrases), Matcher(normals), dict(links), dict(senses))
