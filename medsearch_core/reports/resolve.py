"""The mentions of a report to one status per concept, and from that the eight lists.

Belongs here: what wins where mentions disagree. An addendum corrects the report it is added to, an impression sums up the
findings, a wet read is preliminary; of two sections of one name, as in two reports in one file, the later one counts; a mention
of a concept outranks a statement of normality that merely implies it absent. Within one rank present beats uncertain beats
absent: "no right effusion; small left effusion" is an effusion. Historical, hypothetical and family mentions never compete;
they put a concept in no list.

An absence that is limited ("no large effusion", "no new consolidation", "no left effusion") denies only what it names: it never
outranks a mention of something else, whatever their sections. Concepts that a report both asserts and denies outright are its
conflicts, whichever won. What is probable counts as present: a reader acts on "probable pneumonia", and a coder codes it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from medsearch_core.records import EntityRecord
from medsearch_core.reports.context.places import are_apart, places_of
from medsearch_core.reports.context.qualifiers import SIDES
from medsearch_core.reports.text.sections import Section

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

_STATUS: dict[str, Status] = {status: status for status in STATUSES}

CATEGORIES = {"diagnosis": "diagnoses", "sign": "signs", "symptom": "symptoms"}
"""Category → its two lists; devices are in none, their codes are among the codes."""

LARGE = frozenset({"moderate", "moderate to severe", "severe"})

Rank = tuple[bool, bool, int, int]
Scope = tuple[str | None, bool, str | None]
"""The side, whether large, and the change of what a mention speaks of."""


def resolve_concepts(
    entities: Iterable[EntityRecord], sections: Sequence[Section] = ()
) -> dict[str, tuple[Status, list[EntityRecord]]]:
    """Concept → its one status and the mentions that gave it; concepts never asserted either way are left out."""
    begins = [section.begin for section in sections if section.name]
    return {concept: _resolve(found, begins) for concept, found in _competing(entities).items()}


def status_of(entity: EntityRecord) -> Status | None:
    """What a mention says of its report: present also where it is probable; None where it says nothing of the patient now."""
    if entity.assertion == "uncertain" and entity.certainty == "probable":
        return "present"
    return _STATUS.get(entity.assertion)


def conflicts(entities: Iterable[EntityRecord], text: str = "") -> list[str]:
    """The concepts that a report asserts and denies outright, each with where: `effusion: absent in impression, ...`.

    What is denied of another level or part than what is asserted is no conflict; `text` is the report's.
    """
    found = []
    for concept, mentions in _competing(entities).items():
        if len(mentions) == 1:
            continue
        explicit = [e for e in mentions if not is_implied(e)]
        asserted = [e for e in explicit if e.assertion == "present"]
        absent = [e for e in explicit if e.assertion == "absent"]
        if not (asserted and absent):
            continue
        told = {(_scope(e), places_of(e, text)) for e in asserted}
        denied = [e for e in absent if _is_denied(e, told, text)]
        if denied:
            said = sorted({f"{e.assertion} in {e.section or 'the text'}" for e in [*asserted, *denied]})
            found.append(f"{concept}: {', '.join(said)}")
    return found


def _competing(entities: Iterable[EntityRecord]) -> dict[str, list[EntityRecord]]:
    mentions: dict[str, list[EntityRecord]] = defaultdict(list)
    for entity in entities:
        if status_of(entity) is not None:
            mentions[entity.concept].append(entity)
    return dict(sorted(mentions.items()))


def _resolve(mentions: list[EntityRecord], begins: list[int]) -> tuple[Status, list[EntityRecord]]:
    ranking = _highest(mentions, begins) if len(mentions) > 1 else mentions
    by_status = defaultdict(list)
    for entity in ranking:
        by_status[status_of(entity)].append(entity)
    status = next(status for status in STATUSES if status in by_status)
    return status, by_status[status]


def _highest(mentions: list[EntityRecord], begins: list[int]) -> list[EntityRecord]:
    """The mentions of the highest rank."""
    asserted = {_scope(e) for e in mentions if e.assertion != "absent"}
    ranks = [_rank(entity, asserted, begins) for entity in mentions]
    top = max(ranks)
    return [entity for entity, rank in zip(mentions, ranks, strict=True) if rank == top]


def _rank(entity: EntityRecord, asserted: set[Scope], begins: list[int]) -> Rank:
    is_outright = entity.assertion != "absent" or not asserted or _denies(_scope(entity), asserted)
    occurrence = bisect_right(begins, entity.begin) if entity.section else 0
    return not is_implied(entity), is_outright, SECTION_RANKS.get(entity.section, 0), occurrence


def is_implied(entity: EntityRecord) -> bool:
    """Whether a statement of normality implies the absence, and no mention says it: it is its own cue."""
    return entity.assertion == "absent" and entity.cue == entity.text


def _scope(entity: EntityRecord) -> Scope:
    change = entity.change if entity.change in ("new", "worse") else None
    return entity.laterality if entity.laterality in SIDES else None, entity.severity in LARGE, change


def _denies(absent: Scope, asserted: set[Scope]) -> bool:
    """Whether an absence is of what another mention asserts, and not merely of a side, a size or a novelty of it."""
    return any(all(limit in (None, False, other) for limit, other in zip(absent, scope, strict=True)) for scope in asserted)


def _is_denied(absent: EntityRecord, told: Iterable[tuple[Scope, frozenset[str]]], text: str) -> bool:
    """Whether an absence denies, at its place, one of what is asserted: of each the scope and the places."""
    places = places_of(absent, text)
    return any(_denies(_scope(absent), {scope}) and not are_apart(places, others) for scope, others in told)


def polarity_lists(entities: Sequence[EntityRecord], sections: Sequence[Section] = (), text: str = "") -> dict[str, Any]:
    """The eight lists, the three code lists and the conflicts of a `ReportRecord`, each sorted and without repeats.

    Two concepts may share a code; a code is listed once, under the status that wins (`STATUSES`).
    """
    lists: dict[str, set[str]] = defaultdict(set)
    codes: dict[str, tuple[str, Status]] = {}
    resolved = resolve_concepts(entities, sections)
    for status in reversed(STATUSES):
        for concept, (concept_status, deciding) in resolved.items():
            if concept_status != status:
                continue
            if deciding[0].category in CATEGORIES:
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
    return (
        eight
        | {f"{status}_codes": sorted(lists[f"{status} codes"]) for status in STATUSES}
        | {"conflicts": conflicts(entities, text)}
    )
