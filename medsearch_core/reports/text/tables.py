"""Tables in a report: lines whose cells are apart by `|`.

Belongs here: a table's rows, each with its finding, what its cells answer, and the columns that they stand in. The finding is
in the first cell, or in the heading where the first cells are sides: "| Side | Effusion |" over "| Left | small |".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from medsearch_core.reports.text.answers import PRESENT, Answer, answer_at
from medsearch_core.reports.text.words import ONE_SIDE, Sentence, words_of

_LINE = re.compile(r"^[^\n|]*\|[^\n]*$", re.MULTILINE)
_RULE = re.compile(r"[\s|:+=-]*")
_MARK = re.compile(r"\s*[xX\u2713\u2714\u2611\u2612]\s*")
SIDES = ONE_SIDE | {"bilateral", "both"}
NO = frozenset({"no", "absent", "negative", "neg", "n"})

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Table:
    """`text[begin:end]`: its heading, and the cells of each row below."""

    begin: int
    end: int
    heading: list[Span]
    rows: list[list[Span]]


@dataclass(frozen=True, slots=True)
class Row:
    """A finding, the spans that are said of it, and what they answer."""

    spans: list[Span]
    answer: Answer

    def sentence(self, text: str) -> Sentence | None:
        """The words of all its spans, the finding's first."""
        parts = [words for begin, end in self.spans if (words := words_of(text, begin, end)) is not None]
        if not parts:
            return None
        return Sentence(
            tuple(word for part in parts for word in part.words),
            tuple(begin for part in parts for begin in part.begins),
            tuple(end for part in parts for end in part.ends),
        )


def tables_in(text: str, begin: int, end: int) -> Iterator[Table]:
    """The tables in `text[begin:end]`: two lines or more, one after the other, each with a `|`."""
    if text.find("|", begin, end) < 0:
        return
    lines: list[Span] = []
    for found in _LINE.finditer(text, begin, end):
        if lines and found.start() != lines[-1][1] + 1:
            yield from _table(text, lines)
            lines = []
        lines.append(found.span())
    yield from _table(text, lines)


def table_rows(text: str, table: Table) -> Iterator[Row]:
    """The findings of a table."""
    for cells in table.rows:
        pairs = list(zip(table.heading[1:], cells[1:], strict=False))
        answers = {pair: answer for pair in pairs if (answer := _answer(text, *pair)) is not None}
        if _words(text, cells[0]) and _words(text, cells[0]) <= SIDES:
            for (heading, cell), answer in answers.items():
                yield Row([heading, cell, cells[0]], answer)
        elif said := [pair for pair, answer in answers.items() if answer.assertion != "absent"]:
            answer = min((answers[pair] for pair in said), key=lambda answer: answer.assertion != "present")
            yield Row([cells[0], *(span for heading, cell in said for span in (cell, heading))], answer)
        elif answers:
            yield Row([cells[0]], next(iter(answers.values())))


def _answer(text: str, heading: Span, cell: Span) -> Answer | None:
    """What a cell says: with its column's heading where it is only marked, present where it is no answer; None where empty."""
    if _MARK.fullmatch(text, *cell):
        return Answer("absent" if _words(text, heading) & NO else "present", cue=text[slice(*heading)].strip())
    sentence = words_of(text, *cell)
    if sentence is None:
        return Answer("absent", cue=text[slice(*cell)].strip()) if text[slice(*cell)].strip() else None
    return answer_at(text, sentence, 0, sentence.begins[0], cell[1]) or PRESENT


def _words(text: str, span: Span) -> set[str]:
    sentence = words_of(text, *span)
    return set(sentence.words) if sentence else set()


def _table(text: str, lines: list[Span]) -> Iterator[Table]:
    rows = [_cells(text, line) for line in lines if not _RULE.fullmatch(text, *line)]
    if len(rows) >= 2 and min(map(len, rows)) >= 2:
        yield Table(lines[0][0], lines[-1][1], rows[0], rows[1:])


def _cells(text: str, line: Span) -> list[Span]:
    """The cells of a line, without those before a `|` at its begin and after one at its end."""
    bars = [at for at in range(*line) if text[at] == "|"]
    cells = list(zip([line[0], *(at + 1 for at in bars)], [*bars, line[1]], strict=True))
    first = 0 if text[slice(*cells[0])].strip() else 1
    return cells[first : len(cells) - (not text[slice(*cells[-1])].strip())]
