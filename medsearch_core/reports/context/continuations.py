"""A sentence that goes on about the last finding of the one before: "Prior CT showed an embolism. This has resolved."

Belongs here: whether a sentence begins with a pronoun, names no finding, and says that it is gone or that it is still there.
"""

from __future__ import annotations

from medsearch_core.reports.context.assertion import EARLIER, STILL_THERE, Decision
from medsearch_core.reports.context.clauses import SEEN
from medsearch_core.reports.data_files import word_list
from medsearch_core.reports.text.units import Unit

PRONOUNS = word_list("pronouns")
GONE = word_list("gone")
HEDGED = frozenset({"well", "definitely", "clearly", "view", "projection", "lateral"})
"""Words beside "not seen" that leave a finding where it is: not on this view."""

MAX_WORDS = 10


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
