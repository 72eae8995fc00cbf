"""Is a mention present, absent, uncertain, hypothetical, historical or said of the family?

Belongs here: ConText (Harkema, Dowling, Thornblade and Chapman 2009, doi:10.1016/j.jbi.2009.05.002, after NegEx, Chapman
2001) over the cues of `context.csv`, and what a section adds to it. Columns: `kind` cue, pseudo (looks like a cue, is none)
or terminator; `assertion` what the cue makes of a mention, or which scopes a terminator ends (`a/b`; blank: all);
`direction` where the mention stands seen from the cue; `words` the scope's length where it is shorter than the clause;
`ends` the assertion whose earlier scopes this cue ends.

Sections: an INDICATION says why one looks, not what is seen, so its findings are hypothetical; only its symptoms, which the
patient has, keep what the sentence says. COMPARISON is historical; EXAMINATION, TECHNIQUE and RECOMMENDATION hypothetical.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.phrases import Match, Matcher, Sentence, commas

PRIORITY = ("family", "absent", "hypothetical", "historical", "uncertain")
"""Which cue decides where several apply; the nearest one of that assertion is reported."""

SECTION_ASSERTIONS = {
    "indication": "hypothetical",
    "examination": "hypothetical",
    "technique": "hypothetical",
    "recommendation": "hypothetical",
    "comparison": "historical",
}

VERBS = frozenset({"is", "are", "was", "were", "remain", "appear", "has", "have"})
OF_ALL = frozenset(
    {
        *("seen", "identified", "present", "noted", "evident", "visualized", "demonstrated", "appreciated", "visible"),
        *("detected", "found", "observed", "apparent", "suspected", "suggested", "not", "no", "longer"),
    }
)
SEEN = frozenset({"seen", "identified", "visualized", "demonstrated", "appreciated"})
JOINING = frozenset({"or", "nor", "and"})
CLAUSE_WORDS = 8
"""A clause of its own: a verb, not said of everything before it, and at most so many words between a comma and it."""

EARLIER = frozenset({"prior", "previous", "past", "former"})

FORWARD_WORDS, BACKWARD_WORDS = 40, 12
"""Longest scopes, in words."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One row of `context.csv`."""

    kind: str
    assertion: str
    direction: str
    words: int | None
    ends: str


@lru_cache
def _cues() -> Matcher[Cue]:
    return Matcher(
        (r["phrase"], Cue(r["kind"], r["assertion"], r["direction"], int(r["words"]) if r["words"] else None, r["ends"]))
        for r in rows("context.csv")
    )


class Context:
    """The cues of one sentence, asked once per mention in it."""

    def __init__(self, sentence: Sentence, text: str) -> None:
        found = [match for match in _cues().find(sentence.words) if match.value.kind != "pseudo"]
        self._cues = [match for match in found if match.value.kind == "cue"]
        self._firsts = [match.first for match in self._cues]
        self._ends = (
            {
                (direction, assertion): [m.first for m in found if _is_end(m.value, direction, assertion)]
                for direction in ("forward", "backward")
                for assertion in PRIORITY
            }
            if self._cues
            else {}
        )
        self._words = sentence.words
        self._after_comma: list[int] = []
        if self._cues:
            self._after_comma = sorted(commas(sentence, text))
            ends = self._ends["forward", "absent"]
            self._ends["forward", "absent"] = sorted([*ends, *_own_clauses(sentence.words, set(self._after_comma))])

    def decide(self, mention: Match[Any]) -> tuple[str, Match[Cue] | None]:
        """The assertion of a mention and the cue that decided it; present without one."""
        low = bisect_left(self._firsts, mention.first - FORWARD_WORDS)
        high = bisect_right(self._firsts, mention.last + BACKWARD_WORDS)
        applying = [cue for cue in self._cues[low:high] if self._applies(cue, mention)]
        if not applying:
            return "present", None
        cue = min(applying, key=lambda cue: (PRIORITY.index(cue.value.assertion), abs(cue.first - mention.first)))
        return cue.value.assertion, cue

    def has_cue_inside(self, match: Match[Any]) -> bool:
        """Whether a cue stands between the words of a match: "lungs are not clear"."""
        low, high = bisect_left(self._firsts, match.first), bisect_left(self._firsts, match.last)
        return any(set(cue.words).isdisjoint(match.words) for cue in self._cues[low:high])

    def _applies(self, cue: Match[Cue], mention: Match[Any]) -> bool:
        if not set(cue.words).isdisjoint(mention.words):
            return False
        if mention.first < cue.first and cue.last < mention.last:
            return True
        if cue.last < mention.first:
            reach = min(cue.value.words or FORWARD_WORDS, FORWARD_WORDS)
            is_near = mention.first - cue.last <= reach and cue.value.direction != "backward"
            return is_near and not self._is_ended("forward", cue.value.assertion, cue.last, mention.first)
        reach = min(cue.value.words or BACKWARD_WORDS, BACKWARD_WORDS)
        is_near = 0 < cue.first - mention.last <= reach and cue.value.direction != "forward" and not self._is_next(cue, mention)
        return is_near and not self._is_ended("backward", cue.value.assertion, mention.last, cue.first)

    def _is_next(self, cue: Match[Cue], mention: Match[Any]) -> bool:
        """Whether a doubt that may stand on either side begins what comes next in a list: "effusion, possible pneumonia"."""
        if (cue.value.direction, cue.value.assertion) != ("both", "uncertain") or self._words[cue.first] in ("versus", "vs"):
            return False
        i = bisect_right(self._after_comma, mention.last)
        return i < len(self._after_comma) and self._after_comma[i] == cue.first

    def _is_ended(self, direction: str, assertion: str, after: int, before: int) -> bool:
        ends = self._ends[direction, assertion]
        i = bisect_right(ends, after)
        return i < len(ends) and ends[i] < before


def _is_end(cue: Cue, direction: str, assertion: str) -> bool:
    """Whether a terminator or cue ends scopes of this direction and assertion: a forward cue opens a clause of its own."""
    if cue.kind == "terminator":
        return cue.direction in (direction, "both") and (not cue.assertion or assertion in cue.assertion.split("/"))
    return cue.direction == "forward" if direction == "backward" else cue.ends == assertion


def _own_clauses(words: list[str], begins: set[int]) -> list[int]:
    """The words before a clause with a verb of its own, which ends a negation: "no effusion, cardiomegaly is stable".

    "No effusion, pneumothorax or mass is seen" is one clause: its verb speaks of all of them. Also where a list is
    over: "no effusion seen, left nodule".
    """
    found = []
    last_or = max((i for i, word in enumerate(words) if word in ("or", "nor")), default=-1)
    for i, word in enumerate(words[:-1]):
        if word in SEEN and i + 1 in begins and i > last_or:
            found.append(i)
        if word in VERBS and words[i + 1] not in OF_ALL and not OF_ALL.intersection(words[i + 2 : i + 3]):
            first = next((j for j in range(i - 1, max(i - CLAUSE_WORDS, 0), -1) if words[j] in JOINING or j in begins), None)
            if first is not None and first in begins and words[first] not in JOINING:
                found.append(first - 1)
    return found


def as_qualified(assertion: str, cue: str, category: str, change: str | None) -> str:
    """What the words around a mention make of the assertion that its cue gives it.

    A device once placed stays until it is said to be removed: "status post pacemaker placement". "Prior" tells of the past
    only where nothing is told of the mention since: "the prior effusion is unchanged".
    """
    if assertion != "historical":
        return assertion
    is_still_there = category == "device" or (cue.lower() in EARLIER and change in ("unchanged", "worse", "better"))
    return "present" if is_still_there else assertion


def in_section(assertion: str, category: str, section: str) -> str:
    """What a mention's section makes of the assertion that its sentence gives it."""
    if section == "indication" and (category == "symptom" or assertion in ("family", "historical")):
        return assertion
    return SECTION_ASSERTIONS.get(section, assertion)
