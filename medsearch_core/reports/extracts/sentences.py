"""The sentences of a report that speak of its findings or of what follows from them.

Belongs here: which sections those are. Where a sentence ends is decided in `text.lines`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medsearch_core.reports.text.lines import stretches
from medsearch_core.reports.text.sections import Section
from medsearch_core.reports.text.words import Sentence, words_of

EARLIER = frozenset({"indication", "technique", "comparison", "examination"})
"""Sections that tell of what was before the report."""


def read_sentences(text: str, section: Section, signs: Sequence[str] = ()) -> Iterator[Sentence]:
    """The sentences of a section that hold one of the signs, or all without any; none where it tells of what was before."""
    if section.name in EARLIER:
        return
    part = text[section.begin : section.end].lower()
    if signs and not any(sign in part for sign in signs):
        return
    for stretch in stretches(text, section.begin, section.end):
        own = part[stretch.begin - section.begin : stretch.end - section.begin]
        if signs and not any(sign in own for sign in signs):
            continue
        sentence = words_of(text, stretch.begin, stretch.end)
        if sentence is not None:
            yield sentence
