"""Words that go on about a finding named before: "Prior CT showed an embolism. This has resolved."

Belongs here: whether a sentence begins with a pronoun, names no finding, and says that it is gone or that it is still there;
and the finding that a side alone names: "the left pneumothorax has resolved, the right one persists".
"""

from __future__ import annotations

from typing import Any

from medsearch_core.reports.context.assertion import CLAUSES, EARLIER, STILL_THERE, Decision
from medsearch_core.reports.context.clauses import SEEN
from medsearch_core.reports.data_files import word_list
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit
from medsearch_core.reports.text.words import SIDE_OF

PRONOUNS = word_list("pronouns")
GONE = word_list("gone")
HEDGED = frozenset({"well", "definitely", "clearly", "view", "projection", "lateral"})
"""Words beside "not seen" that leave a finding where it is: not on this view."""

MAX_WORDS = 10

ONES = frozenset({"sided", "one", "side", "it"})
VERBS = frozenset({"has", "is", "still", "have"})


def goes_on(unit: Unit) -> bool:
    """Whether a unit may go on about the finding before it."""
    return unit.words[0] in PRONOUNS and len(unit.words) <= MAX_WORDS


def continued(unit: Unit) -> Decision | None:
    """What a unit that goes on says of the finding before it; None where it says neither."""
    words = set(unit.words)
    is_unseen = "not" in words and not SEEN.isdisjoint(words) and HEDGED.isdisjoint(words) and EARLIER.isdisjoint(words)
    if not GONE.isdisjoint(words) or {"no", "longer"} <= words or is_unseen:
        return Decision("absent", cue=unit.span(0, len(unit.words) - 1))
    return Decision() if not STILL_THERE.isdisjoint(words) else None


def of_other_side(unit: Unit, mention: Match[Any], end: int) -> Match[Any] | None:
    """The mention that a side alone is of a finding gone on the other one: "whereas the right-sided one remains".

    Args:
        end: the position of the next mention, or the number of words.
    """
    words = unit.words
    for i in range(mention.last + 1, end):
        if words[i] not in SIDE_OF or not _begins_clause(unit, i):
            continue
        last = i
        while last + 1 < end and words[last + 1] in ONES:
            last += 1
        after = next((word for word in words[last + 1 : end] if word not in VERBS), None)
        if after in STILL_THERE:
            return Match(tuple(range(i, last + 1)), mention.value)
    return None


def _begins_clause(unit: Unit, i: int) -> bool:
    """Whether a side begins a clause: after a comma, a semicolon, a conjunction, or "the" behind one."""
    first = i - 1 if unit.words[i - 1] == "the" else i
    first -= unit.words[first - 1] == "on"
    return first in unit.commas or unit.words[first - 1] in CLAUSES or ";" in unit.span(first - 1, first)
