"""The cues of `context.csv`: the words that deny a mention, doubt it or move it into the past.

Columns: `kind` cue, contrast ("favor edema over pneumonia": what stands before its end is probable, what follows unlikely),
pseudo (looks like a cue, is none) or terminator; `assertion` what the cue makes of a mention, or which
scopes a terminator ends (`a/b`; blank: all); `certainty` how sure an uncertain cue leaves the reader; `direction` where the
mention stands seen from the cue, `inside` its gap alone; `words` the scope's length where it is shorter than the clause; `ends`
the assertion whose earlier scopes this cue ends; `until` the words that end this cue's own scope, `comma` among them;
`comma-ahead` is one that ends it forward alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.text.phrases import Matcher
from medsearch_core.reports.text.words import fold

COMMA = "comma"
COMMA_AHEAD = "comma-ahead"
CONTRAST = "contrast"

CERTAINTIES = ("probable", "possible", "unlikely")


@dataclass(frozen=True, slots=True)
class Cue:
    """One row of `context.csv`."""

    kind: str
    assertion: str
    certainty: str | None
    direction: str
    words: int | None
    ends: str
    until: frozenset[str]


@lru_cache
def cue_matcher() -> Matcher[Cue]:
    """All cues, compiled once."""
    return Matcher((row["phrase"], _cue(row)) for row in rows("context.csv"))


def _cue(row: dict[str, str]) -> Cue:
    return Cue(
        row["kind"],
        row["assertion"],
        row["certainty"] or None,
        row["direction"],
        int(row["words"]) if row["words"] else None,
        row["ends"],
        frozenset(map(fold, row["until"].split())),
    )
