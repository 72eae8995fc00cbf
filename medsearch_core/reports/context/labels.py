"""A label and the statement that is its value: "Pleural effusion: no pleural effusion", "Pneumothorax: there is none".

Belongs here: what a finding that a label names means where its value is no answer but a statement. The value speaks for itself:
of the same finding, it decides the label, too; where all that it says is a denial, it denies the label. Only where it says
nothing else does the label stand for a finding: "Effusion: on the right".
"""

from __future__ import annotations

from collections.abc import Sequence

from medsearch_core.reports.context.assertion import NONE, Context, Decision
from medsearch_core.reports.lexicon.hierarchy import ancestors
from medsearch_core.reports.lexicon.vocabulary import Concept
from medsearch_core.reports.text.phrases import Match
from medsearch_core.reports.text.units import Unit

PRESENT = Decision()


def with_values(
    unit: Unit,
    mentions: Sequence[Match[Concept]],
    decisions: Sequence[Decision],
    statements: Sequence[Match[tuple[str, ...]]],
    cues: Context,
) -> list[Decision]:
    """The decisions, one a mention, with those of mentions in the unit's label as its value makes them.

    Args:
        statements: the unit's statements of normality.
    """
    decided = list(decisions)
    if not 0 < unit.value < len(unit.words) or unit.answer is not None:
        return decided
    value = [n for n, mention in enumerate(mentions) if mention.first >= unit.value and mention.value.name]
    for n, mention in enumerate(mentions):
        if mention.last >= unit.value or decisions[n] != PRESENT:
            continue
        same = next((other for other in value if _is_related(mention.value.name, mentions[other].value.name)), None)
        if same is not None:
            decided[n] = decisions[same]
        elif value and all(decisions[other].assertion == "absent" for other in value):
            decided[n] = Decision("absent", cue=decisions[value[0]].cue)
        elif not value:
            decided[n] = _by_words(unit, statements, cues)
    return decided


def _is_related(name: str, other: str) -> bool:
    """Whether two concepts are the same, or one is a kind of the other."""
    return name == other or name in ancestors(other) or other in ancestors(name)


def _by_words(unit: Unit, statements: Sequence[Match[tuple[str, ...]]], cues: Context) -> Decision:
    """What a value without a finding says of its label: absent where it says that all is normal, or "none"."""
    for statement in statements:
        if statement.first >= unit.value and cues.states(statement):
            return Decision("absent", cue=unit.span(statement.first, statement.last))
    none = next((i for i in range(unit.value, len(unit.words)) if unit.words[i] in NONE), None)
    return Decision("absent", cue=unit.span(none, none)) if none is not None else PRESENT
