"""What can be found: concepts with their phrases, their ICD-10-CM codes, and statements of normality.

Belongs here: the meaning of three data files. `vocabulary.csv` has one row per concept; a row without a concept lists phrases
that must not be read as one. `codes.csv` links concepts to ICD-10-CM: the first row whose qualifier words (all groups, one
word of each `a/b` group) stand in or close to the mention decides; a concept may have no code. `normals.csv` lists
statements that imply concepts absent.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data import rows
from medsearch_core.reports.phrases import Matcher

UNLINKED_SCORE = 0.5
"""Score of a mention whose concept has no ICD-10-CM code."""


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
class Vocabulary:
    """The data files, compiled."""

    concepts: dict[str, Concept]
    findings: Matcher[Concept]
    normals: Matcher[tuple[str, ...]]
    links: dict[str, list[Link]]

    def link(self, concept: str, nearby: set[str]) -> Link:
        """The code of a concept, given the lower-case words in and close to its mention."""
        for link in self.links.get(concept, ()):
            if all(not group.isdisjoint(nearby) for group in link.qualifier):
                return link
        return Link(None, None, UNLINKED_SCORE)


@lru_cache
def vocabulary() -> Vocabulary:
    """The vocabulary, read and compiled once."""
    concepts = {row["concept"]: Concept(row["concept"], row["category"]) for row in rows("vocabulary.csv")}
    phrases = [
        (phrase.strip(), concepts[row["concept"]]) for row in rows("vocabulary.csv") for phrase in row["phrases"].split("|")
    ]
    links: dict[str, list[Link]] = defaultdict(list)
    for row in rows("codes.csv"):
        qualifier = tuple(frozenset(group.split("/")) for group in row["qualifier"].split())
        links[row["concept"]].append(Link(row["code"], row["description"], float(row["score"]), qualifier))
    normals = [(row["phrase"], tuple(row["absent"].split("|"))) for row in rows("normals.csv")]
    return Vocabulary(concepts, Matcher(phrases), Matcher(normals), dict(links))
