"""`medsearch evaluate sentences`: the reader against hard sentences, each with what has to be read in it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from medsearch_core.errors import ConfigurationError
from medsearch_core.reports.evaluation.sentences import REQUIRED, describe_misreading, read_sentences
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.gold_files import read_gold
from medsearch_pipeline.cli.tables import print_table
from medsearch_pipeline.messages.lines import print_line

Judged = tuple[str, str, str | None]
"""Phenomenon, text, and what is read otherwise than it should be."""


def evaluate_sentences(console: Console, sentences: Path) -> int:
    """Prints how many sentences of each phenomenon are read right, then each misreading; returns 1 if there is one."""
    rows = read_gold(sentences)
    if missing := [name for name in REQUIRED if name not in rows[0]]:
        raise ConfigurationError(f"{sentences} needs a column {missing[0]}")
    judged = [(each.marked.phenomenon, each.marked.annotated_text, describe_misreading(each)) for each in read_sentences(rows)]
    print_judged(console, judged)
    right = sum(fault is None for *_, fault in judged)
    console.print(f"{right} of {len(judged)} right", highlight=False)
    return int(right < len(judged))


def print_judged(console: Console, judged: Sequence[Judged]) -> None:
    """Prints right and total by phenomenon, then each fault in one line."""
    phenomena = dict.fromkeys(phenomenon for phenomenon, *_ in judged)
    print_table(console, ("phenomenon", "right", "total"), (_count(judged, phenomenon) for phenomenon in phenomena))
    for phenomenon, text, fault in judged:
        if fault:
            line = f"{phenomenon}: {text}: {fault}".replace("\n", "\\n")
            print_line(console, line)


def _count(judged: Sequence[Judged], phenomenon: str) -> tuple[str, int, int]:
    faults = [fault for name, _, fault in judged if name == phenomenon]
    return phenomenon, faults.count(None), len(faults)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "CSV with the columns phenomenon, text, mention, assertion, code, said, status and accepted"
    parser.add_argument("sentences", type=Path, metavar="CSV", help=help_)


COMMAND = Command(
    "sentences",
    "print how many hard sentences are read right, by phenomenon, and what the others are read as",
    evaluate_sentences,
    _add_arguments,
    needs_settings=False,
)
