"""A question's tree in one line: what tests compare."""

from __future__ import annotations

from functools import cache

from medsearch_core.questions.question import All, AnyOf, FilterAsked, FindingAsked, NormalAsked, Not, Tree, WordsAsked
from medsearch_core.questions.read import read_question
from medsearch_core.questions.spelling import Dictionary

IN_REPORTS = {word: 10 for word in ("perfusion", "film", "patient", "brain", "closed", "ventilation", "induction")}
"""Words of reports, with how many hold them."""


@cache
def dictionary() -> Dictionary:
    return Dictionary(IN_REPORTS)


def written(words: str) -> str:
    """How a question is read: `A & B`, `A | B`, `not A`, `said: finding [side, place, severity, change, size, section]`."""
    return tree_written(read_question(words, dictionary()).asked)


def tree_written(tree: Tree | None) -> str:
    match tree:
        case None:
            return ""
        case All():
            return " & ".join(map(_inside, tree.parts))
        case AnyOf():
            return " | ".join(map(_inside, tree.parts))
        case Not():
            return f"not {_inside(tree.part)}"
        case FindingAsked():
            return _finding(tree)
        case NormalAsked():
            return f"normal: {', '.join(sorted(tree.absent)) or 'all'}"
        case WordsAsked():
            return f"{tree.kind} '{tree.text}'{f' [{tree.section}]' if tree.section else ''}"
        case FilterAsked():
            return f"{tree.name} {_range(tree) if not tree.values else '/'.join(tree.values)}"


def _inside(tree: Tree) -> str:
    text = tree_written(tree)
    return f"({text})" if isinstance(tree, All | AnyOf) else text


def _finding(asked: FindingAsked) -> str:
    sizes = f"{asked.sizes.min_mm or ''}..{asked.sizes.max_mm or ''} mm" if asked.sizes else None
    severity = asked.severities[0] if asked.severities else None
    told = [t for t in (asked.laterality, asked.anatomy, severity, asked.change, sizes, asked.section) if t]
    said = "" if asked.said == "present" else f"{asked.said}: "
    return f"{said}{asked.name}" + (f" [{', '.join(told)}]" if told else "")


def _range(asked: FilterAsked) -> str:
    low, high = ("" if bound is None else f"{bound}" for bound in (asked.minimum, asked.maximum))
    return f"{low}..{high}"
