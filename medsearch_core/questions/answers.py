"""Which group of answers a report belongs to, and how well it fits there.

Belongs here: what it means that a report answers a question. A report says that what is asked for is there, is unsure, mentions
it otherwise, or denies it; groups are never mixed. This is the rule itself, over the mentions of one report; an index does the
same over tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from medsearch_core.questions.question import All, AnyOf, FilterAsked, FindingAsked, NormalAsked, Not, Tree, WordsAsked
from medsearch_core.questions.terms import narrower_of
from medsearch_core.records import EntityRecord
from medsearch_core.reports.resolve import Status, resolve_concepts, status_of
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.words import fold


class Group(IntEnum):
    """The groups of answers, best first."""

    SAID = 0
    UNSURE = 1
    OTHERWISE = 2
    DENIED = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """A report's group, and its score within: 0 to about 2."""

    group: Group
    score: float


IMPRESSION = ("impression", "findings and impression", "addendum")
IN_IMPRESSION, PER_MENTION, MAX_MENTIONS = 0.3, 0.1, 3
NORMAL_BONUS = 0.5

MIN_FIT = 0.5
"""What fits less is no clear answer: a side that is not told is unsure, another side or place is mentioned otherwise."""

BOTH_SIDES, NO_SIDE, OTHER_SIDE, OTHER_PLACE = 0.9, 0.45, 0.2, 0.4
NEAR_PLACES = ({"lower lobe", "lung base"}, {"upper lobe", "apex", "lung apex"})

SEEN = ("", "findings", *IMPRESSION)
"""The sections that say what is seen."""


class ReportSaid:
    """What one report says, prepared for questions.

    Args:
        words: folded words of its text, in order.
    """

    def __init__(self, entities: Sequence[EntityRecord], sections: Sequence[Section], words: Sequence[str]) -> None:
        self.by_concept: dict[str, list[EntityRecord]] = {}
        for entity in entities:
            self.by_concept.setdefault(entity.concept, []).append(entity)
        self.status: dict[str, Status] = {name: status for name, (status, _) in resolve_concepts(entities, sections).items()}
        self.words, self.entities = list(words), entities
        self.is_normal = not any(
            self.status.get(e.concept) in ("present", "uncertain") and e.category in ("diagnosis", "sign") for e in entities
        )

    def fit(self, asked: Tree) -> Fit | None:
        """The group of this report, None where it says nothing of what is asked for, or says what must not be there."""
        match asked:
            case FindingAsked():
                return self._of_finding(asked)
            case NormalAsked():
                return self._of_normal(asked)
            case WordsAsked():
                return self._of_words(asked)
            case FilterAsked():
                return Fit(Group.SAID, 0.0)
            case AnyOf():
                return min(filter(None, map(self.fit, asked.parts)), key=lambda fit: (fit.group, -fit.score), default=None)
            case Not():
                return self._without(asked)
            case All():
                return self._of_all(asked)

    def _of_finding(self, asked: FindingAsked) -> Fit | None:
        best: Fit | None = None
        for concept, weight in asked.meanings.items():
            for entity in self.by_concept.get(concept, ()):
                found = self._of_mention(asked, entity, weight)
                if found and (best is None or (found.group, -found.score) < (best.group, -best.score)):
                    best = found
        return best and Fit(best.group, best.score + self._emphasis(asked))

    def _emphasis(self, asked: FindingAsked) -> float:
        mentions = [e for concept in asked.meanings for e in self.by_concept.get(concept, ()) if status_of(e) == "present"]
        in_impression = any(e.section in IMPRESSION for e in mentions)
        return in_impression * IN_IMPRESSION + min(len(mentions), MAX_MENTIONS) * PER_MENTION

    def _of_mention(self, asked: FindingAsked, entity: EntityRecord, weight: float) -> Fit | None:
        group = self._group(asked.said, entity)
        if group is None or (asked.section and entity.section not in (asked.section, "findings and impression")):
            return None
        place = _place(asked, entity)
        if min(place, weight) < MIN_FIT and group <= Group.UNSURE:
            group = Group.UNSURE if min(place, weight) >= NO_SIDE else Group.OTHERWISE
        return Fit(group, weight * place)

    def _group(self, said: str, entity: EntityRecord) -> Group | None:
        status, overall = status_of(entity), self.status.get(entity.concept)
        if said == "present":
            if status == "present":
                return Group.SAID if overall == "present" else Group.UNSURE if overall == "uncertain" else Group.DENIED
            if status == "uncertain":
                return Group.UNSURE if overall != "absent" else Group.OTHERWISE
            if _is_healed(entity):
                return Group.SAID
            return Group.DENIED if status == "absent" else Group.OTHERWISE
        if said == "absent":
            return Group.SAID if status == "absent" and overall == "absent" else None if status == "absent" else Group.OTHERWISE
        if said == "resolved":
            return Group.SAID if entity.change == "resolved" else Group.OTHERWISE
        is_asked = entity.assertion == said or (said == "uncertain" and status == "uncertain")
        return Group.SAID if is_asked else Group.DENIED if status == "absent" else Group.OTHERWISE

    def _of_normal(self, asked: NormalAsked) -> Fit | None:
        if not asked.absent:
            return Fit(Group.SAID, 1.0) if self.is_normal else None
        told = {self.status.get(concept) for concept in asked.absent}
        if told & {"present", "uncertain"}:
            return None if "present" in told else Fit(Group.UNSURE, 0.5)
        return Fit(Group.SAID, 0.5 + NORMAL_BONUS * self.is_normal) if "absent" in told else Fit(Group.OTHERWISE, 0.2)

    def _of_words(self, asked: WordsAsked) -> Fit | None:
        words = [fold(word) for word in asked.text.lower().replace("-", " ").split()]
        if asked.kind == "prefix":
            return Fit(Group.SAID, 0.5) if any(word.startswith(words[0]) for word in self.words) else None
        n = len(words)
        if any(self.words[i : i + n] == words for i in range(len(self.words) - n + 1)):
            return Fit(Group.SAID, 0.5)
        return None

    def _without(self, asked: Not) -> Fit | None:
        """Nothing said of it is as good as a denial; what is unsure may be there; what is there is not asked for."""
        found = self.fit(asked.part)
        if found is None or found.group >= Group.OTHERWISE:
            return Fit(Group.SAID, 0.0)
        return Fit(Group.UNSURE, 0.0) if found.group == Group.UNSURE else None

    def _of_all(self, asked: All) -> Fit | None:
        found: list[Fit] = []
        missing = 0
        for part in asked.parts:
            fit = self.fit(part)
            if fit is not None:
                found.append(fit)
            elif isinstance(part, Not):
                return None
            else:
                missing += 1
        wanted = [fit for fit, part in zip(found, (p for p in asked.parts), strict=False) if fit.score] or found
        if not any(fit.score for fit in found):
            return None if missing else Fit(Group.SAID, 0.0)
        score = sum(fit.score for fit in found) / len(asked.parts)
        worst = max(fit.group for fit in found)
        if missing or (worst >= Group.OTHERWISE and min(fit.group for fit in wanted) < worst):
            return Fit(Group.OTHERWISE, score)
        return Fit(worst, score)


def _is_healed(entity: EntityRecord) -> bool:
    """Whether something of the past is still seen: an old fracture has healed, and is there."""
    is_seen = entity.assertion == "historical" and entity.section in SEEN
    return is_seen and entity.concept in _fractures() and not (entity.cue or "").lower().startswith("history")


@lru_cache
def _fractures() -> frozenset[str]:
    return frozenset({"fracture", *narrower_of("fracture")})


def _place(asked: FindingAsked, entity: EntityRecord) -> float:
    """How well the side, the place, the severity, the change and the size of a mention fit what is asked for, 0 to 1."""
    fit = 1.0
    if asked.laterality and entity.laterality != asked.laterality:
        fit *= BOTH_SIDES if entity.laterality == "bilateral" else NO_SIDE if entity.laterality is None else OTHER_SIDE
    if asked.anatomy and entity.anatomy != asked.anatomy:
        is_near = any({asked.anatomy, entity.anatomy} <= places for places in NEAR_PLACES)
        fit *= 0.8 if is_near else OTHER_PLACE
    if asked.severities and entity.severity not in asked.severities:
        fit *= NO_SIDE if entity.severity is None else 0.3
    if asked.change and entity.change != asked.change:
        fit *= OTHER_PLACE
    if asked.sizes:
        size = entity.size_mm
        is_within = size is not None and (asked.sizes.min_mm or 0) <= size <= (asked.sizes.max_mm or size)
        fit *= 1.0 if is_within else NO_SIDE if size is None else OTHER_PLACE
    return fit
