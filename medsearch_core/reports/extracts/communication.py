"""Whether a report says that its results were communicated to somebody.

Belongs here: which words say so (`communication.csv`), as the ACR Practice Parameter for Communication of Diagnostic Imaging
Findings asks reports to document. `told` is communication done; `tried` is a call or a page, which counts unless nobody was
`unreached`; `not yet` before either, or `not told` over it, means that nothing was said. Names are never read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from medsearch_core.reports.data_files import rows
from medsearch_core.reports.extracts.sentences import read_sentences
from medsearch_core.reports.text.phrases import Match, Matcher
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.words import Sentence, commas

SIGNS = (
    "discuss", "communicat", "notif", "paged", "inform", "d/w", "phone", "called", "relay", "convey", "aware", "acknowledg",
    "read back", "faxed", "reported t",
)  # fmt: skip
"""One of these stands, in lower case, in every report that says so."""

BEFORE_WORDS = 3
"""How far before a communication the words may stand that say it is still to come."""


@lru_cache
def _matcher() -> Matcher[str]:
    return Matcher((row["phrase"], row["kind"]) for row in rows("communication.csv"))


def is_communicated(text: str, sections: Sequence[Section]) -> bool:
    """Whether a report says that its results were communicated: discussed with, notified, called to."""
    lowered = text.lower()
    has_section = any(section.name == "notification" for section in sections)
    if not has_section and not any(sign in lowered for sign in SIGNS):
        return False
    is_tried = is_unreached = False
    for section in sections:
        sentences = list(read_sentences(text, section))
        if section.name == "notification" and not any(_is_denied(sentence) for sentence in sentences):
            return True
        for sentence in sentences:
            told, tried, unreached = _said(sentence, text)
            if told:
                return True
            is_tried, is_unreached = is_tried or tried, is_unreached or unreached
    return is_tried and not is_unreached


def _is_denied(sentence: Sentence) -> bool:
    return any(match.value in ("not told", "not yet", "unreached") for match in _matcher().find_all(sentence.words))


def _said(sentence: Sentence, text: str) -> tuple[bool, bool, bool]:
    """Whether a sentence says that results were told, that somebody was called, and that nobody was reached."""
    matches = _matcher().find_all(sentence.words)
    cues: dict[str, list[Match[str]]] = defaultdict(list)
    for match in matches:
        cues[match.value].append(match)
    if not (cues["told"] or cues["tried"]):
        return False, False, bool(cues["unreached"])
    after_comma = commas(sentence, text)
    pending = {cue.last for kind in ("not yet", "unreached") for cue in cues[kind]}
    denied = {i for cue in cues["not told"] for i in range(cue.first, cue.last + 1)}

    def is_done(match: Match[str]) -> bool:
        if not denied.isdisjoint(match.words):
            return False
        for i in range(match.last, max(match.last - len(match.words) - BEFORE_WORDS, -1), -1):
            if i in pending and i not in match.words:
                return False
            if i in after_comma and i <= match.first:
                break
        return True

    return any(map(is_done, cues["told"])), any(map(is_done, cues["tried"])), bool(cues["unreached"])
