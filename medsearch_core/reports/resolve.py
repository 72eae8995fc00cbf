"""The mentions of a report to one status per concept, and from that the eight lists.

Belongs here: what wins where mentions disagree. An addendum corrects the report it is added to, an impression sums up the
findings, a wet read is preliminary; a mention of a concept outranks a statement of normality that merely implies it absent.
Within one rank present beats uncertain beats absent: "no right effusion; small left effusion" is an effusion.
Historical, hypothetical and family mentions never compete; they put a concept in no list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from medsearch_core.records import EntityRecord
from medsearch_core.reports.entities import IMPLIED_SCORE

Status = Literal["present", "uncertain", "absent"]

STATUSES: tuple[Status, ...] = ("present", "uncertain", "absent")
"""In the order in which they win."""

SECTION_RANKS = {
    "addendum": 4,
    "impression": 3,
    "findings and impression": 3,
    "findings": 2,
    "": 2,
    "notification": 1,
    "indication": 1,
    "wet read": 0,
}

CATEGORIES = {"diagnosis": "diagnoses", "sign": "signs", "symptom": "symptoms"}


def resolve_concepts(entities: Iterable[EntityRecord]) -> dict[str, tuple[Status, list[EntityRecord]]]:
    """Concept → its one status and the mentions that gave it; concepts never asserted either way are left out."""
    mentions: dict[str, list[EntityRecord]] = defaultdict(list)
    for entity in entities:
        if entity.assertion in STATUSES:
            mentions[entity.concept].append(entity)
    return {concept: _resolve(found) for concept, found in sorted(mentions.items())}


def _resolve(mentions: list[EntityRecord]) -> tuple[Status, list[EntityRecord]]:
    top = max(map(_rank, mentions))
    ranking = [entity for entity in mentions if _rank(entity) == top]
    for status in STATUSES:
        deciding = [entity for entity in ranking if entity.assertion == status]
        if deciding:
            return status, deciding
    raise AssertionError("only mentions with a status are resolved")


def _rank(entity: EntityRecord) -> tuple[bool, int]:
    return entity.score != IMPLIED_SCORE, SECTION_RANKS.get(entity.section, 0)


def polarity_lists(entities: Iterable[EntityRecord]) -> dict[str, list[str]]:
    """The eight lists and the three code lists of a `ReportRecord`, each sorted and without repeats.

    Two concepts may share a code; a code is listed once, under the status that wins (`STATUSES`).
    """
    lists: dict[str, set[str]] = defaultdict(set)
    codes: dict[str, tuple[str, Status]] = {}
    resolved = resolve_concepts(entities)
    for status in reversed(STATUSES):
        for concept, (concept_status, deciding) in resolved.items():
            if concept_status != status:
                continue
            lists[f"{status} {CATEGORIES[deciding[0].category]}"].add(concept)
            for entity in deciding:
                if entity.icd10cm_code and entity.icd10cm_description:
                    codes[entity.icd10cm_code] = (entity.icd10cm_description, status)
    for code, (description, status) in codes.items():
        lists[f"{status} icd10cms"].add(description)
        lists[f"{status} codes"].add(code)
    signs = {"positive": "present", "negative": "absent"}
    eight = {
        f"{sign}_{kind}": sorted(lists[f"{status} {kind}"])
        for sign, status in signs.items()
        for kind in ("diagnoses", "icd10cms", "signs", "symptoms")
    }
    return eight | {f"{status}_codes": sorted(lists[f"{status} codes"]) for status in STATUSES}
