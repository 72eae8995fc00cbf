"""What a report says, as keyword tokens that any search index can hold, and that questions ask for.

Belongs here: the form of a token, and which ones a report has. A token is a state, a concept, and some of what one mention
says of it: `present:pneumothorax`, `present:pneumothorax:left`, `present:pneumothorax:left:~new`. A mention gives every
combination of what it says, so that "left and new" is asked of one mention, never of two.

States: `present` (what is probable, too, as in the report's lists), `unsure`, `absent`, `mentioned` (hypothetical, of the past,
of the family, or overruled by another sentence), and beside these `hypothetical`, `historical`, `family` and `resolved`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations

from medsearch_core.questions.terms import narrower_of
from medsearch_core.records import EntityRecord
from medsearch_core.reports.resolve import Status, resolve_concepts, status_of
from medsearch_core.reports.text.sections import Section

NORMAL = "normal"
"""The token of a report that finds nothing: no diagnosis or sign is present or uncertain."""

NO_SIDE = "-"
WITHOUT_SIDE = ("present", "unsure")
"""The states whose tokens tell that no side is told: a report that says "effusion" may mean the left one."""

IMPRESSION = "#impression"
MANY = ("x2", "x3")
"""Behind a concept: that so many mentions say it is present."""

SECTIONS = {
    "impression": ("impression",),
    "addendum": ("impression",),
    "findings and impression": ("impression", "findings"),
    "findings": ("findings",),
    "": ("findings",),
    "indication": ("indication",),
}
"""Section of a mention → the sections in which it is asked for."""

SEEN = ("", "findings", "impression", "findings and impression", "addendum")
"""The sections that say what is seen."""

SEPARATOR = ":"


def token(state: str, concept: str, *told: str) -> str:
    """The token of a state and a concept, with some of what a mention says, in the order of `said_by`."""
    return SEPARATOR.join((state, concept, *told))


def finding_tokens(entities: Sequence[EntityRecord], sections: Sequence[Section]) -> list[str]:
    """The tokens of a report, sorted, each once."""
    overall = {name: status for name, (status, _) in resolve_concepts(entities, sections).items()}
    found: set[str] = set()
    times: Counter[str] = Counter()
    for entity in entities:
        states = states_of(entity, overall.get(entity.concept))
        told = list(said_by(entity))
        for state in states:
            parts = told if state in WITHOUT_SIDE else [part for part in told if part != NO_SIDE]
            found.update(token(state, entity.concept, *combination) for combination in _combinations(parts))
        times[entity.concept] += "present" in states
    for concept, mentions in times.items():
        found.update(token("present", concept, many) for many in MANY[: max(mentions - 1, 0)])
    if not any(overall.get(e.concept) in ("present", "uncertain") and e.category in ("diagnosis", "sign") for e in entities):
        found.add(NORMAL)
    return sorted(found)


def states_of(entity: EntityRecord, overall: Status | None) -> set[str]:
    """The states of a mention, given what the report as a whole says of its concept."""
    status = status_of(entity)
    states = {entity.assertion} & {"hypothetical", "historical", "family"}
    if entity.change == "resolved":
        states.add("resolved")
    if status == "absent":
        return states | {"absent"}
    if status == "present" and overall == "present":
        return states | {"present"}
    if status is not None and overall != "absent":
        return states | {"unsure"}
    return states | ({"present"} if _is_healed(entity) else {"mentioned"})


def said_by(entity: EntityRecord) -> Iterator[str]:
    """What a mention says beside its state: side, place, severity, change, size and section, in this order."""
    yield entity.laterality or NO_SIDE
    if entity.anatomy:
        yield f"@{entity.anatomy}"
    if entity.severity:
        yield f"^{entity.severity}"
    if entity.change:
        yield f"~{entity.change}"
    if entity.size_mm is not None:
        yield f"{max(round(entity.size_mm), 1)}mm"
    for section in SECTIONS.get(entity.section, ()):
        yield f"#{section}"


def _combinations(told: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every combination of what is told, with one section at most."""
    for size in range(len(told) + 1):
        for combination in combinations(told, size):
            if sum(part.startswith("#") for part in combination) < 2:
                yield combination


def _is_healed(entity: EntityRecord) -> bool:
    """Whether something of the past is still seen: an old fracture has healed, and is there."""
    is_seen = entity.assertion == "historical" and entity.section in SEEN
    return is_seen and entity.concept in _fractures() and not (entity.cue or "").lower().startswith("history")


@lru_cache
def _fractures() -> frozenset[str]:
    return frozenset({"fracture", *narrower_of("fracture")})
