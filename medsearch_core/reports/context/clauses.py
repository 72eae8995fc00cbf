"""Where a negation ends though no word says so: at a clause of its own, at a new noun phrase, at a statement of normality.

Belongs here: the ends of a forward negation's scope in one unit. "No effusion, pneumothorax or mass is seen" is one clause: its
verb speaks of all of them. "No effusion, cardiomegaly is stable", "no pneumothorax, small left effusion" and, dictated without
commas, "no effusion small left nodule" assert what comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from medsearch_core.reports.text.phrases import Match

VERBS = frozenset({"is", "are", "was", "were", "remain", "appear", "has", "have", "show", "demonstrate", "measure"})
OF_ALL = frozenset(
    {
        *("seen", "identified", "present", "noted", "evident", "visualized", "demonstrated", "appreciated", "visible"),
        *("detected", "found", "observed", "apparent", "suspected", "suggested", "not", "no", "longer"),
    }
)
SEEN = frozenset({"seen", "identified", "visualized", "demonstrated", "appreciated", "present", "noted", "evident", "visible"})
JOINING = frozenset({"or", "nor", "and"})
DISJOINING = frozenset({"or", "nor"})
MAX_CLAUSE_WORDS = 8
"""A clause of its own: a verb, not said of everything before it, and at most so many words between a comma and it."""

SIZES = frozenset({"small", "tiny", "trace", "minimal", "minimally", "mild", "mildly", "moderate", "moderately", "slight"})
SIDES = frozenset({"left", "right", "bilateral", "bibasilar", "biapical", "lt", "rt", "bibasal"})
ASSERTING = SIZES | {
    *(
        "stable",
        "unchanged",
        "residual",
        "persistent",
        "chronic",
        "old",
        "healed",
        "improved",
        "improving",
        "increased",
        "decreased",
    ),
    *("there", "normal", "borderline", "status", "postsurgical", "postoperative", "multiple", "several", "scattered", "known"),
    *("calcified", "degenerative", "mildly", "low", "interval", "again", "sternotomy", "severe", "continued", "nonspecific"),
}
"""Words that begin a noun phrase of something seen, hardly ever of something denied."""

NORMAL = frozenset({"normal", "clear", "unremarkable", "limit", "sharp", "intact"})
"""Words that end a statement of normality, as "heart size normal", and with it what was denied before."""


def clause_ends(
    words: list[str], commas: frozenset[int], mentions: Sequence[Match[Any]], statements: Sequence[Match[Any]]
) -> list[int]:
    """The positions after which a negation no longer holds: a mention that begins later is not denied by a cue before."""
    last_or = max((i for i, word in enumerate(words) if word in DISJOINING), default=-1)
    found = {statement.last for statement in statements if words[statement.last] in NORMAL}
    found.update(_verbs(words, commas, last_or))
    found.update(_noun_phrases(words, commas, last_or))
    found.update(_run_on(words, commas, mentions))
    return sorted(found)


def _verbs(words: list[str], commas: frozenset[int], last_or: int) -> Iterator[int]:
    for i, word in enumerate(words[:-1]):
        if word in SEEN and i + 1 in commas and i > last_or:
            yield i
        if word in VERBS and words[i + 1] not in OF_ALL and not OF_ALL.intersection(words[i + 2 : i + 3]):
            first = next(
                (j for j in range(i - 1, max(i - MAX_CLAUSE_WORDS, 0), -1) if words[j] in JOINING or j in commas), None
            )
            if first is not None and first in commas and words[first] not in JOINING:
                yield first - 1


def _noun_phrases(words: list[str], commas: frozenset[int], last_or: int) -> Iterator[int]:
    """The words before a comma or "and" where what follows is asserted, and is no item of a list that "or" goes on."""
    joints = {*commas, *(i + 1 for i, word in enumerate(words[:-1]) if word == "and")}
    for i in sorted(joints):
        first = i + 1 if words[i] == "and" and i in commas and i + 1 < len(words) else i
        begin = words[first : first + 3]
        if not begin or begin[0] in JOINING:
            continue
        is_sized = begin[0] in SIZES and not SIDES.isdisjoint(begin[1:])
        is_asserted = begin[0] in ASSERTING or (begin[0] in SIDES and i in commas) or begin[0].isdigit()
        if is_sized or (is_asserted and last_or < first):
            yield i - 1


def _run_on(words: list[str], commas: frozenset[int], mentions: Sequence[Match[Any]]) -> Iterator[int]:
    """The ends of mentions that another one follows without comma or conjunction, as something seen."""
    for earlier, later in pairwise(mentions):
        between = range(earlier.last + 1, later.first)
        if between and words[between[0]] in ASSERTING | SIDES and not any(words[i] in JOINING or i in commas for i in between):
            yield earlier.last
