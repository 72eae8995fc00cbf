"""The groups of answers to a question, as sets that any search index can make.

Belongs here: which tokens answer what is asked for, and how the groups of its parts are combined. A report says that what is
asked for is there, is unsure, mentions it otherwise, or denies it; no report is in two groups. An index lends the sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Any, NamedTuple, Protocol, TypeVar

from medsearch_core.questions.question import All, AnyOf, FilterAsked, FindingAsked, NormalAsked, Not, Sizes, Tree, WordsAsked
from medsearch_core.questions.terms import narrower_of
from medsearch_core.questions.tokens import NO_SIDE, NORMAL, token


class Set(Protocol):
    """A set of reports."""

    def __and__(self, other: Any, /) -> Any: ...

    def __or__(self, other: Any, /) -> Any: ...


S = TypeVar("S", bound=Set)


class Sets(Protocol[S]):
    """The sets that an index lends."""

    def having(self, tokens: Sequence[str]) -> S:
        """The reports that have any of these tokens."""

    def holding(self, asked: WordsAsked) -> S:
        """The reports that hold these words."""

    def within(self, asked: FilterAsked) -> S:
        """The reports that a filter lets through."""

    def all(self) -> S:
        """Every report."""

    def none(self) -> S:
        """No report."""

    def without(self, some: S, others: S) -> S:
        """The reports of a set that are not in another."""


class Groups(NamedTuple):
    """The four groups, none of whose reports is in another."""

    said: Any
    unsure: Any
    otherwise: Any
    denied: Any


class Rung(NamedTuple):
    """Tokens of which one puts a report into a group, and how well it fits there, 0 to 1."""

    group: str
    fit: float
    tokens: tuple[str, ...]


MIN_FIT = 0.5
"""A concept that weighs less is not what was meant: a report that states it mentions otherwise what is asked for."""

BOTH_SIDES, NO_SIDE_FIT, NEAR_PLACE, OTHER_FIT = 0.9, 0.45, 0.8, 0.2
NEAR_PLACES = (("lower lobe", "lung base"), ("upper lobe", "lung apex"))
MAX_SIZE_MM = 300

STATES = {
    "present": ("present", "unsure", ("hypothetical", "historical", "family", "mentioned"), "absent"),
    "absent": ("absent", "", ("mentioned", "unsure"), "present"),
    "uncertain": ("unsure", "", ("present", "mentioned"), "absent"),
    "historical": ("historical", "", ("present", "unsure", "mentioned"), "absent"),
    "hypothetical": ("hypothetical", "", ("present", "unsure", "mentioned"), "absent"),
    "family": ("family", "", ("present", "unsure", "mentioned"), "absent"),
    "resolved": ("resolved", "", ("present", "unsure", "mentioned"), "absent"),
}
"""What reports are asked to say → the states of tokens that say it, are unsure, mention it otherwise, and deny it."""


def rungs_of(asked: FindingAsked) -> list[Rung]:
    """The tokens that answer a finding, best first. A report is on the first rung of which it has a token."""
    said, unsure, otherwise, denied = STATES[asked.said]
    rungs: list[Rung] = []
    for concept, weight in sorted(asked.meanings.items(), key=lambda meaning: -meaning[1]):
        for fit, told in _told(asked):
            is_clear = fit >= MIN_FIT and weight >= MIN_FIT
            group = "said" if is_clear else "unsure" if weight >= MIN_FIT and fit >= NO_SIDE_FIT else "otherwise"
            rungs.append(Rung(group, weight * fit, tuple(token(said, concept, *t) for t in told)))
            if unsure:
                group = "unsure" if is_clear else "otherwise"
                rungs.append(Rung(group, weight * fit, tuple(token(unsure, concept, *t) for t in told)))
        section = (f"#{asked.section}",) if asked.section else ()
        others = [state for state in (said, unsure, *otherwise) if state]
        rungs.append(Rung("otherwise", weight * OTHER_FIT, tuple(token(state, concept, *section) for state in others)))
        if denied:
            rungs.append(Rung("denied", weight, (token(denied, concept, *section),)))
    return sorted(rungs, key=lambda rung: (Groups._fields.index(rung.group), -rung.fit))


def _told(asked: FindingAsked) -> Iterator[tuple[float, list[tuple[str, ...]]]]:
    """What mentions have to say of a finding, as parts of tokens, best first, each with how well it fits."""
    places = [(1.0, asked.anatomy), *((NEAR_PLACE, place) for place in _near(asked.anatomy))]
    sides: list[tuple[float, str | None]] = [(1.0, asked.laterality)]
    if asked.laterality in ("left", "right"):
        sides.append((BOTH_SIDES, "bilateral"))
    if asked.laterality:
        sides.append((NO_SIDE_FIT, NO_SIDE))
    severities: list[str | None] = [f"^{severity}" for severity in asked.severities] or [None]
    sizes: list[str | None] = [f"{mm}mm" for mm in _millimeters(asked.sizes)] if asked.sizes else [None]
    change = f"~{asked.change}" if asked.change else None
    section = f"#{asked.section}" if asked.section else None
    for (of_side, side), (of_place, place) in product(sides, places):
        at = f"@{place}" if place else None
        parts = [(side, at, severity, change, size, section) for severity in severities for size in sizes]
        yield of_side * of_place, [tuple(part for part in told if part) for told in parts]


def _near(place: str | None) -> Iterator[str]:
    for pair in NEAR_PLACES:
        if place in pair:
            yield pair[1 - pair.index(place)]


def _millimeters(sizes: Sizes) -> range:
    low = max(1, -int(-(sizes.min_mm or 1) // 1))
    return range(low, min(MAX_SIZE_MM, int(sizes.max_mm if sizes.max_mm is not None else MAX_SIZE_MM)) + 1)


def groups_of(asked: Tree, sets: Sets[Any]) -> Groups:
    """The groups of the reports that answer a question."""
    match asked:
        case FindingAsked():
            return _of_finding(asked, sets)
        case NormalAsked():
            return _of_normal(asked, sets)
        case WordsAsked():
            return Groups(sets.holding(asked), sets.none(), sets.none(), sets.none())
        case FilterAsked():
            return Groups(sets.within(asked), sets.none(), sets.none(), sets.none())
        case AnyOf():
            found = [groups_of(part, sets) for part in asked.parts]
            return _disjoint([_union(sets, alike) for alike in zip(*found, strict=True)], sets)
        case Not():
            return _of_all([asked], sets)
        case All():
            return _of_all(asked.parts, sets)


def _of_finding(asked: FindingAsked, sets: Sets[Any]) -> Groups:
    tokens: dict[str, list[str]] = {name: [] for name in Groups._fields}
    for rung in rungs_of(asked):
        tokens[rung.group] += rung.tokens
    found = [sets.having(tokens[name]) if tokens[name] else sets.none() for name in Groups._fields]
    if asked.said == "absent" and asked.laterality is None:  # "no effusion" is not said where one of two sides has one
        found = [*(sets.without(group, found[-1]) for group in found[:-1]), found[-1]]
    return _disjoint(found, sets)


def _of_normal(asked: NormalAsked, sets: Sets[Any]) -> Groups:
    if not asked.absent:
        return Groups(sets.having([NORMAL]), sets.none(), sets.none(), sets.none())
    concepts = {narrower for concept in asked.absent for narrower in (concept, *narrower_of(concept))}
    said = sets.having([token("absent", concept) for concept in sorted(asked.absent)])
    unsure = sets.having([token("unsure", concept) for concept in sorted(concepts)])
    present = sets.having([token("present", concept) for concept in sorted(concepts)])
    clear = sets.without(said, unsure | present)
    return Groups(clear, sets.without(said & unsure, present), sets.none(), sets.none())


def _of_all(parts: Iterable[Tree], sets: Sets[Any]) -> Groups:
    """All parts: what one denies and no other says is denied; where some are said and others not, it is mentioned otherwise.

    What must not be there takes reports away where it is said, and makes those unsure where it may be.
    """
    wanted = [groups_of(part, sets) for part in parts if not isinstance(part, Not | FilterAsked) and _is_needed(part)]
    denials = [groups_of(part.part, sets) for part in parts if isinstance(part, Not)]
    if wanted:
        said = reduce(lambda a, b: a & b, (groups.said for groups in wanted))
        unsure = reduce(lambda a, b: a & b, (groups.said | groups.unsure for groups in wanted))
        told = _union(sets, [group for groups in wanted for group in groups[:3]])
        denied = sets.without(_union(sets, [groups.denied for groups in wanted]), told)
        found = _disjoint([said, unsure, told, denied], sets)
    else:
        found = Groups(sets.all(), sets.none(), sets.none(), sets.none())
    for groups in denials:
        lowered = _disjoint([sets.without(found.said, groups.unsure), found.said | found.unsure, *found[2:]], sets)
        found = Groups(*(sets.without(group, groups.said) for group in lowered))
    for part in parts:
        if isinstance(part, FilterAsked):
            within = sets.within(part)
            found = Groups(*(group & within for group in found))
    return found


def _is_needed(part: Tree) -> bool:
    return not isinstance(part, WordsAsked) or part.is_needed


def _union(sets: Sets[Any], some: Iterable[Any]) -> Any:
    return reduce(lambda a, b: a | b, some, sets.none())


def _disjoint(groups: Sequence[Any], sets: Sets[Any]) -> Groups:
    """Groups without the reports of better ones."""
    found: list[Any] = []
    better = sets.none()
    for group in groups:
        found.append(sets.without(group, better))
        better = better | group
    return Groups(*found)
