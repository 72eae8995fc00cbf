"""Is a mention present, absent, uncertain, hypothetical, historical or said of the family, and how certain?

Belongs here: ConText (Harkema, Dowling, Thornblade and Chapman 2009, doi:10.1016/j.jbi.2009.05.002, after NegEx, Chapman
2001) over the cues of `context.csv`, the answers of labels, alternatives ("atelectasis or pneumonia"), and what a section adds.

Sections: an INDICATION says why one looks, not what is seen, so its findings are hypothetical; only its symptoms, which the
patient has, keep what the sentence says. COMPARISON is historical; EXAMINATION, TECHNIQUE and RECOMMENDATION hypothetical.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medsearch_core.reports.context.clauses import DISJOINING, JOINING, clause_ends
from medsearch_core.reports.context.cues import COMMA, COMMA_AHEAD, CONTRAST, Cue, cue_matcher
from medsearch_core.reports.data_files import word_list
from medsearch_core.reports.text.answers import PRESENT
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import POSITIVES, Unit
from medsearch_core.reports.text.words import SIDE_OF

PRIORITY = ("family", "absent", "hypothetical", "historical", "uncertain")
"""Which cue decides where several apply; the nearest one of that assertion is reported."""

SECTION_ASSERTIONS = {
    "indication": "hypothetical",
    "examination": "hypothetical",
    "technique": "hypothetical",
    "recommendation": "hypothetical",
    "comparison": "historical",
}

EARLIER = word_list("earlier")
PARTICIPLES = word_list("participles")
SINGULAR = word_list("singular")
VERSUS = word_list("versus")

BEYOND = word_list("beyond normal")
"""Words inside a statement of normality that turn it round: "heart is larger than normal"."""

FAR_FROM = word_list("far from normal")
"""Words before one: "not a normal chest"."""

STILL_THERE = word_list("still there")
NONE = frozenset({"none", "nil", "no", "not"})
CLAUSES = frozenset({"wherea", "while", "but", "although", "and", "however"})
EXCLUDED = frozenset({"exclude", "excluded", "ruled"})
TOLD = frozenset({"showed", "shown", "demonstrated", "revealed"})
NO = frozenset({"no", "not", "without", "nor", "or"})
EXCEPT = frozenset({"except", "besides", "apart", "aside", "save"})

SIGN = re.compile(r"\s*(?:\([+-]\)|[+-](?:ve)?)\s*(?=[,.;]|$)")
"""A sign behind a finding: "effusion +, pneumothorax -"."""

ELLIPSIS = re.compile(r"\b(?:is|are|was|were)\s+not\s*(?=[,.;]|$)", re.IGNORECASE)
"""A verb that repeats another: "fractures are present, pneumothorax is not"."""

BEHIND = Cue("cue", "absent", None, "backward", 4, "", frozenset())

FORWARD_WORDS, BACKWARD_WORDS = 40, 20
"""Longest scopes, in words."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a sentence makes of a mention, by which of its words; present without a cue."""

    assertion: str = "present"
    certainty: str | None = None
    cue: str | None = None


class Context:
    """The cues of one unit, asked once per mention in it."""

    def __init__(self, unit: Unit, mentions: Sequence[Match[Any]], statements: Sequence[Match[Any]]) -> None:
        found = [
            match for match in cue_matcher().find(unit.words) if match.value.kind != "pseudo" and not _is_month(unit, match)
        ]
        found = sorted([*found, *_ellipses(unit), *_absences(unit, mentions)], key=lambda match: match.first)
        self._unit = unit
        self._cues = [match for match in found if match.value.kind in ("cue", CONTRAST)]
        self._firsts = [match.first for match in self._cues]
        self._mention_ends = sorted(mention.last for mention in mentions)
        self._signs = _signs(unit)
        self._commas: list[int] = []
        self._ends: dict[tuple[str, str], list[int]] = {}
        if self._cues:
            self._commas = sorted(unit.commas)
            self._terms = found
            self._clauses = clause_ends(unit, mentions, statements)

    def decide(self, mention: Match[Any]) -> Decision:
        """The assertion of a mention, how certain it is, and the cue that decided it."""
        answer = self._unit.answer if mention.last < self._unit.value else None
        if answer is not None and (answer.assertion != "present" or answer == PRESENT):
            return Decision(answer.assertion, answer.certainty, answer.cue or None)
        if mention.last in self._signs:
            sign = self._signs[mention.last]
            return Decision("absent", cue=sign) if "-" in sign else Decision()
        low = bisect_left(self._firsts, mention.first - FORWARD_WORDS)
        high = bisect_right(self._firsts, mention.last + BACKWARD_WORDS)
        own = 0 if answer is None else self._unit.value
        applying = [cue for cue in self._cues[low:high] if cue.first >= own and self._applies(cue, mention)]
        if not applying:
            heading = self._unit.heading if mention.first >= self._unit.value else None
            return Decision(heading.assertion, heading.certainty, heading.cue) if heading else Decision()
        cue = (
            self._of_then(applying)
            or (self._not_excluded(applying, mention) if len(applying) > 1 else None)
            or min(
                applying, key=lambda cue: (PRIORITY.index(cue.value.assertion), self._is_versus(cue), _distance(cue, mention))
            )
        )
        if cue.value.assertion == "historical" and self._is_still_there(cue, mention):
            return Decision()
        is_preferred = cue.value.kind == CONTRAST and mention.first < cue.last
        words = self._unit.span(cue.first, cue.last)
        return Decision(cue.value.assertion, "probable" if is_preferred else cue.value.certainty, words)

    def _of_then(self, applying: Sequence[Match[Cue]]) -> Match[Cue] | None:
        """The cue that says that a denial is of an earlier examination: "there was no effusion on the prior"."""
        if any(cue.value.assertion == "absent" and cue.value.direction != "forward" for cue in applying):
            return None
        words = self._unit.words
        told = [cue for cue in applying if (cue.value.assertion, cue.value.direction) == ("historical", "backward")]
        return next((cue for cue in told if not EARLIER.isdisjoint(words[i] for i in cue.words)), None)

    def _is_still_there(self, cue: Match[Cue], mention: Match[Any]) -> bool:
        """Whether what an earlier examination showed is there now: "the prior CT showed a mass, which has grown"."""
        words = self._unit.words
        if TOLD.isdisjoint(words[i] for i in cue.words):
            return False
        after = words[mention.last + 1 : mention.last + 9]
        return "which" in after[:3] and not STILL_THERE.isdisjoint(after)

    def _not_excluded(self, applying: Sequence[Match[Cue]], mention: Match[Any]) -> Match[Cue] | None:
        """The cue that says of what is not seen that it is not excluded either: "not seen, but cannot be excluded"."""
        words = self._unit.words
        following = bisect_right(self._mention_ends, mention.last)
        end = self._mention_ends[following] if following < len(self._mention_ends) else len(words)
        return next(
            (
                cue
                for cue in applying
                if cue.value.assertion == "uncertain"
                and mention.last < cue.first < end
                and not EXCLUDED.isdisjoint(words[i] for i in cue.words)
            ),
            None,
        )

    def states(self, statement: Match[Any]) -> bool:
        """Whether a statement of normality holds: not "lungs are not clear", "heart larger than normal", "lungs clear: no"."""
        if self._unit.answer is not None and self._unit.answer.assertion != "present" and statement.last < self._unit.value:
            return False
        words = self._unit.words
        if not FAR_FROM.isdisjoint(words[max(statement.first - 3, 0) : statement.first]):
            return False
        if any(words[i] in BEYOND for i in range(statement.first, statement.last) if i not in statement.words):
            return False
        low, high = bisect_left(self._firsts, statement.first), bisect_left(self._firsts, statement.last)
        return not any(set(cue.words).isdisjoint(statement.words) for cue in self._cues[low:high])

    def _applies(self, cue: Match[Cue], mention: Match[Any]) -> bool:
        if not set(cue.words).isdisjoint(mention.words):
            return False
        if mention.first < cue.first and cue.last < mention.last:
            return True
        if cue.first < mention.first and mention.last < cue.last:
            return cue.value.kind == CONTRAST or cue.value.direction == "inside"
        if cue.value.direction == "inside":
            return False
        if cue.last < mention.first:
            reach = min(cue.value.words or FORWARD_WORDS, FORWARD_WORDS)
            is_near = mention.first - cue.last <= reach and cue.value.direction != "backward"
            if not is_near or (cue.value.assertion == "absent" and self._is_excepted(cue, mention)):
                return False
            return not self._is_ended("forward", cue, cue.last, mention.first)
        if self._opens_bracket(mention.last, cue.first) or self._is_of_other_side(cue, mention):
            return False
        reach = min(cue.value.words or BACKWARD_WORDS, BACKWARD_WORDS)
        is_near = 0 < cue.first - mention.last <= reach and cue.value.direction != "forward"
        return is_near and not self._is_next(cue, mention) and not self._is_ended("backward", cue, mention.last, cue.first)

    def _opens_bracket(self, first: int, last: int) -> bool:
        """Whether a bracket opens between two words and does not close: "atelectasis (pneumonia is unlikely)"."""
        sentence = self._unit.sentence
        gap = self._unit.text[sentence.ends[first] : sentence.begins[last]]
        return gap.rfind("(") > gap.rfind(")") and any(map(str.isalnum, gap[gap.rfind("(") :]))

    def _is_of_other_side(self, cue: Match[Cue], mention: Match[Any]) -> bool:
        """Whether a denial is of the other side, or that one is still there: "left effusion, none on the right"."""
        if cue.value.assertion != "absent":
            return False
        words = self._unit.words
        own = [SIDE_OF[word] for word in words[max(mention.first - 3, 0) : cue.first] if word in SIDE_OF]
        after = words[cue.last + 1 : cue.last + 1 + FORWARD_WORDS]
        if cue.first - 1 in self._unit.commas and words[cue.first - 1] in SIDE_OF:
            own = own[:-1]
            told = SIDE_OF.get(words[cue.first - 1])
        else:
            told = next(filter(None, map(SIDE_OF.get, self._goes_on(cue, 3))), None)
        if not own or not told or told == own[-1]:
            return False
        is_still_there = not STILL_THERE.isdisjoint(after)
        return is_still_there or words[cue.first] in NONE or SIDE_OF.get(words[cue.first - 1]) == told

    def _goes_on(self, cue: Match[Cue], count: int) -> Sequence[str]:
        """Of so many words after a cue, those before the next clause: not "left" in "has resolved, left effusion persists"."""
        unit, first = self._unit, cue.last + 1
        end = min(first + count, len(unit.words))
        if unit.words[cue.first] not in NONE:
            end = next((i for i in range(first, end) if _begins_clause(unit, i)), end)
        return unit.words[first:end]

    def _is_excepted(self, cue: Match[Cue], mention: Match[Any]) -> bool:
        """Whether what is denied is there for a part: "no effusion except a trace", "none on the left, small on the right"."""
        words = self._unit.words
        later = bisect_right(self._mention_ends, mention.last)
        end = self._mention_ends[later] if later < len(self._mention_ends) else len(words)
        after = words[mention.last + 1 : end]
        if end == len(words) and not EXCEPT.isdisjoint(after) and not POSITIVES.isdisjoint(after):
            return True
        sides = [(i, SIDE_OF[word]) for i, word in enumerate(after) if word in SIDE_OF]
        if end < len(words) or len({side for _, side in sides}) < 2:
            return False
        first, second = sides[0][0], next(i for i, side in sides if side != sides[0][1])
        return not POSITIVES.isdisjoint(after[first + 1 : second]) and NO.isdisjoint(after[first + 1 : second])

    def _is_versus(self, cue: Match[Cue]) -> bool:
        """Whether a cue says no more than that there is an alternative, which any other doubt outranks."""
        return self._unit.words[cue.first] in VERSUS

    def _is_next(self, cue: Match[Cue], mention: Match[Any]) -> bool:
        """Whether a cue behind a mention speaks of what comes after it.

        A doubt that may stand on either side begins the next item of a list ("effusion, possible pneumonia"); a verb in the
        singular speaks of the last item alone ("cardiomegaly, effusion has resolved").
        """
        words, value = self._unit.words, cue.value
        i = bisect_right(self._commas, mention.last)
        comma = self._commas[i] if i < len(self._commas) else len(words)
        if (value.direction, value.assertion) == ("both", "uncertain") and words[cue.first] not in VERSUS:
            return comma == cue.first
        later = bisect_right(self._mention_ends, mention.last)
        if later == len(self._mention_ends) or self._mention_ends[later] >= cue.first:
            return False
        if words[cue.first] in SINGULAR:
            return comma < cue.first and DISJOINING.isdisjoint(words[mention.last + 1 : cue.first])
        return words[cue.first] in PARTICIPLES and JOINING.isdisjoint(words[mention.last + 1 : cue.first])

    def _is_ended(self, direction: str, cue: Match[Cue], after: int, before: int) -> bool:
        ends = self._ends_of(direction, cue.value.assertion)
        i = bisect_right(ends, after)
        if i < len(ends) and ends[i] < before:
            return True
        if not cue.value.until:
            return False
        is_at_comma = COMMA in cue.value.until or (direction == "forward" and COMMA_AHEAD in cue.value.until)
        is_past_comma = is_at_comma and bisect_right(self._commas, after) < bisect_right(self._commas, before)
        return is_past_comma or not cue.value.until.isdisjoint(self._unit.words[after + 1 : before])

    def _ends_of(self, direction: str, assertion: str) -> list[int]:
        """Where scopes of this direction and assertion end, in order."""
        ends = self._ends.get((direction, assertion))
        if ends is None:
            ends = [term.first for term in self._terms if _is_end(term.value, direction, assertion)]
            if (direction, assertion) == ("forward", "absent"):
                ends = sorted([*ends, *self._clauses])
            self._ends[direction, assertion] = ends
        return ends


def _begins_clause(unit: Unit, i: int) -> bool:
    return i in unit.commas or unit.words[i] in CLAUSES or ";" in unit.span(i - 1, i)


def _is_month(unit: Unit, match: Match[Cue]) -> bool:
    """Whether "may" is the month: "1 May", "in May 2024"."""
    words = unit.words
    if "may" not in words[match.first : match.last + 1]:
        return False
    i = words.index("may", match.first)
    return any(word.isdigit() for word in (*words[max(i - 1, 0) : i], *words[i + 1 : i + 2]))


def _signs(unit: Unit) -> dict[int, str]:
    """The sign behind each word that has one, where there are several: "effusion +, pneumothorax -"."""
    if "+" not in unit.text and "-," not in unit.text:
        return {}
    found = {i: sign[0].strip() for i, end in enumerate(unit.sentence.ends) if (sign := SIGN.match(unit.text, end))}
    return found if len(found) > 1 else {}


def _ellipses(unit: Unit) -> list[Match[Cue]]:
    """The verbs that deny what stands before them by repeating another verb."""
    if "not" not in unit.words:
        return []
    return [
        Match((i, i + 1), BEHIND)
        for found in ELLIPSIS.finditer(unit.text)
        for i, begin in enumerate(unit.sentence.begins[:-1])
        if begin == found.start()
    ]


def _absences(unit: Unit, mentions: Sequence[Match[Any]]) -> list[Match[Cue]]:
    """The "absent" that ends a clause directly behind a mention: "Murphy sign absent"."""
    if "absent" not in unit.words:
        return []
    lasts = {mention.last for mention in mentions}
    ends = {i - 1 for i in unit.commas} | {len(unit.words) - 1}
    return [Match((i,), BEHIND) for i, word in enumerate(unit.words) if word == "absent" and i in ends and i - 1 in lasts]


def _distance(cue: Match[Cue], mention: Match[Any]) -> int:
    if cue.last < mention.first:
        return mention.first - cue.last
    return cue.first - mention.last if cue.first > mention.last else 0


def _is_end(cue: Cue, direction: str, assertion: str) -> bool:
    """Whether a terminator or cue ends scopes of this direction and assertion: a forward cue opens a clause of its own."""
    if cue.kind == "terminator":
        return cue.direction in (direction, "both") and (not cue.assertion or assertion in cue.assertion.split("/"))
    return cue.direction == "forward" if direction == "backward" else cue.ends == assertion


def as_qualified(decision: Decision, category: str, change: str | None) -> Decision:
    """What the words around a mention make of the assertion that its cue gives it.

    A device once placed stays until it is said to be removed: "status post pacemaker placement". "Prior" tells of the past
    only where nothing is told of the mention since: "the prior effusion is unchanged".
    """
    if decision.assertion != "historical":
        return decision
    cue = (decision.cue or "").lower()
    is_told = cue in EARLIER or not TOLD.isdisjoint(cue.split())
    is_changed = is_told and change in ("unchanged", "worse", "better")
    return Decision() if category == "device" or is_changed else decision


def in_section(decision: Decision, category: str, section: str) -> Decision:
    """What a mention's section makes of the assertion that its sentence gives it."""
    if section == "indication" and (category == "symptom" or decision.assertion in ("family", "historical")):
        return decision
    assertion = SECTION_ASSERTIONS.get(section, decision.assertion)
    return decision if assertion == decision.assertion else Decision(assertion)
