"""A report on the terminal, as it was read: why it was not, its text, its mentions in a table, and what it says as a whole.

Belongs here: how it looks. No color says good or bad: present is bold, absent is dim, and what does not count is grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from medsearch_core.records import EntityRecord, ReportRecord
from medsearch_core.reports.context.assertion import SECTION_ASSERTIONS
from medsearch_core.reports.resolve import is_implied, resolve_concepts
from medsearch_core.reports.text.sections import split_sections
from medsearch_pipeline.cli.tables import print_table

STYLES = {
    "historical": "bright_black",
    "hypothetical": "bright_black",
    "family": "bright_black",
    "absent": "dim cyan",
    "uncertain": "italic underline yellow",
    "present": "bold yellow",
}
"""Assertion → style, in the order in which a later one covers an earlier one where mentions overlap."""

CONTROLS = {code: " " for code in (*range(9), 11, 12, *range(14, 32), *range(127, 160))} | {13: "\n"}
"""What a terminal would act on, with as many characters in its place, so that offsets hold."""

COLUMNS = ("section", "finding", "assertion", "side", "severity", "change", "size", "cue", "code")
ALWAYS_SHOWN = frozenset({"section", "finding", "assertion"})
STATUSES = {"present": "positive", "absent": "negative"}


def print_report(console: Console, report: ReportRecord, entities: Sequence[EntityRecord]) -> None:
    """Prints a report and its mentions."""
    if report.not_read:
        _print_line(console, "Not read", report.not_read)
    if skipped := describe_skipped(report.text):
        _print_line(console, "Skipped", ", ".join(skipped))
    console.print()
    console.print(highlight(report.text, entities), soft_wrap=not console.is_terminal)
    console.print()
    if entities and console.is_terminal:
        console.print(Text(" · ").join(Text(assertion, style) for assertion, style in reversed(STYLES.items())))
    if entities:
        columns, rows = _shown(list(describe_mentions(entities)))
        print_table(console, columns, rows, has_whole_words=True)
    elif not report.not_read:
        _print_line(console, "Mentions", "none")
    for name, text in describe_report(report, entities):
        _print_line(console, name, text)


def _print_line(console: Console, name: str, text: str) -> None:
    console.print(f"{name:<19} {text}", markup=False, highlight=False, soft_wrap=not console.is_terminal)


def highlight(text: str, entities: Iterable[EntityRecord]) -> Text:
    """The text with each mention in the style of its assertion."""
    shown = Text(text.rstrip().replace("\r\n", " \n").translate(CONTROLS))
    for assertion, style in STYLES.items():
        for entity in entities:
            if entity.assertion == assertion:
                shown.stylize(style, entity.begin, entity.end)
    return shown


def describe_skipped(text: str) -> list[str]:
    """The sections whose mentions do not count, each with what they count as."""
    names = dict.fromkeys(section.name for section in split_sections(text) if section.name in SECTION_ASSERTIONS)
    said = {name: "historical" if SECTION_ASSERTIONS[name] == "historical" else "not a finding" for name in names}
    return [f"{name.upper()}: {what}{' unless a symptom' * (name == 'indication')}" for name, what in said.items()]


def describe_mentions(entities: Iterable[EntityRecord]) -> Iterator[tuple[str, ...]]:
    """One row a mention. What one statement of normality rules out is one row."""
    for _, same in groupby(entities, key=lambda e: (e.begin, e.end, e.section) if is_implied(e) else id(e)):
        first, *others = same
        finding = ", ".join(e.concept for e in (first, *others))
        yield (
            first.section,
            f"{finding} (spelled {first.text})" if first.spelling else finding,
            f"{first.assertion}, {first.certainty}" if first.certainty else first.assertion,
            _place(first),
            first.severity or "",
            first.change or "",
            _size(first),
            first.cue or "",
            "" if others else first.icd10cm_code or "",
        )


def only_probable(report: ReportRecord, entities: Iterable[EntityRecord]) -> set[str]:
    """The concepts and codes that count as present although no mention that decided so states them outright."""
    stated: dict[str, bool] = {}
    for concept, (status, mentions) in resolve_concepts(entities, split_sections(report.text)).items():
        if status == "present":
            is_stated = any(mention.assertion == "present" for mention in mentions)
            for name in {concept, *(mention.icd10cm_code for mention in mentions if mention.icd10cm_code)}:
                stated[name] = stated.get(name, False) or is_stated
    return {name for name, is_stated in stated.items() if not is_stated}


def _place(entity: EntityRecord) -> str:
    """Its side and the place named with it, or where a device lies."""
    place = " ".join(filter(None, (entity.laterality, entity.anatomy)))
    return ", ".join(filter(None, (place, entity.position)))


def _size(entity: EntityRecord) -> str:
    said = []
    if entity.size_mm is not None:
        said.append(f"{entity.size_mm:g} mm")
    if entity.prior_size_mm is not None:
        said.append(f"was {entity.prior_size_mm:g} mm")
    if entity.above_carina_mm is not None:
        where = "above" if entity.above_carina_mm >= 0 else "below"
        said.append(f"{abs(entity.above_carina_mm):g} mm {where} the carina")
    return ", ".join(said)


def _shown(rows: list[tuple[str, ...]]) -> tuple[list[str], list[list[str]]]:
    """The columns in which a row has something, and the rows in them."""
    kept = [i for i, name in enumerate(COLUMNS) if name in ALWAYS_SHOWN or any(row[i] for row in rows)]
    return [COLUMNS[i] for i in kept], [[row[i] for i in kept] for row in rows]


def describe_report(report: ReportRecord, entities: Iterable[EntityRecord] = ()) -> Iterator[tuple[str, str]]:
    """What the report says as a whole: name and text of each line that has something to say.

    What counts as present and is only probable is marked so.
    """
    probable = only_probable(report, entities)

    def marked(values: Iterable[str]) -> Sequence[str]:
        return [f"{value} (probable)" if value in probable else value for value in values]

    lines = [
        (f"{kind.capitalize()} {status}", marked(getattr(report, f"{sign}_{kind}")))
        for status, sign in STATUSES.items()
        for kind in ("diagnoses", "signs", "symptoms")
    ]
    lines += [(f"Codes {status}", marked(getattr(report, f"{status}_codes"))) for status in ("present", "uncertain", "absent")]
    lines += [("Conflict", [conflict]) for conflict in report.conflicts]
    lines += [
        ("Language", [report.language or ""]),
        ("Examination", [" ".join(filter(None, (report.exam_modality, ", ".join(report.exam_body_parts or ()))))]),
        ("Categories", report.categories or ()),
        ("Recommended", report.recommendations or ()),
        ("Communicated", ["yes"] if report.is_communicated else ()),
    ]
    for name, values in lines:
        if text := ", ".join(values):
            yield name, text
