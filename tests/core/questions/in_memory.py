"""Sets of a few reports in memory: what an index lends to a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medsearch_core.questions.question import FilterAsked, WordsAsked
from medsearch_core.questions.tokens import finding_tokens
from medsearch_core.reports.read import read_report
from medsearch_core.reports.text.sections import split_sections
from medsearch_core.reports.text.words import WORD, fold

Ids = frozenset[str]


class ReportSets:
    """The sets of these reports, by their ids."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._tokens: dict[str, frozenset[str]] = {}
        self._words: dict[str, str] = {}
        for name, text in texts.items():
            report, entities = read_report(text.encode(), report_id=name, patient="p", study="s", key="k")
            self._tokens[name] = frozenset(finding_tokens(entities, split_sections(report.text)))
            self._words[name] = " ".join(["", *(fold(match.group()) for match in WORD.finditer(report.text)), ""])

    def having(self, tokens: Sequence[str]) -> Ids:
        return frozenset(name for name, own in self._tokens.items() if not own.isdisjoint(tokens))

    def holding(self, asked: WordsAsked) -> Ids:
        words = " ".join(map(fold, asked.text.lower().split()))
        whole = f" {words}" if asked.kind == "prefix" else f" {words} "
        return frozenset(name for name, text in self._words.items() if whole in text)

    def within(self, asked: FilterAsked) -> Ids:
        return self.all()

    def all(self) -> Ids:
        return frozenset(self._tokens)

    def none(self) -> Ids:
        return frozenset()

    def without(self, some: Ids, others: Ids) -> Ids:
        return some - others
