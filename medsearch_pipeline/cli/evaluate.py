"""`medsearch evaluate`: the reader against a gold standard of whole reports, marked mentions, or hard sentences."""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from medsearch_core.errors import ConfigurationError
from medsearch_core.reports.evaluation.corpus import AnnotatedMention, describe_mismatch, read_annotated_mentions
from medsearch_core.reports.evaluation.scores import (
    ABLATIONS,
    Confusion,
    Score,
    confusions,
    predict,
    score,
)
from medsearch_core.reports.evaluation.texts import ReadText, read_texts
from medsearch_pipeline.cli.command import Command, CommandGroup
from medsearch_pipeline.cli.evaluate_sentences import COMMAND as SENTENCES
from medsearch_pipeline.cli.evaluate_sentences import print_judged
from medsearch_pipeline.cli.gold_files import read_gold, read_gold_text, read_truth
from medsearch_pipeline.cli.tables import print_table
from medsearch_pipeline.messages.lines import print_line

SCORE_COLUMNS = ("finding", "reports", "precision", "recall", "F1", "false alarms", "misses")
ABLATION_COLUMNS = ("rules", "micro precision", "micro recall", "micro F1", "macro F1")


def evaluate_reports(console: Console, gold: Path, reports: Path | None, misses: Path | None) -> int:
    """Prints how accurate the reader is. For a corpus, the exit status is 1 if any row fails."""
    rows = read_gold(gold)
    if "mention" in rows[0]:
        return _corpus(console, read_annotated_mentions(rows))
    if reports is None:
        raise ConfigurationError(f"{gold} names whole reports: give their folder with --reports FOLDER")
    known = read_truth(gold, rows)
    findings = list(next(iter(known.values())))
    texts = {name: read_gold_text(reports, name) for name in known}
    started = time.process_time()
    read = read_texts(texts)
    seconds = time.process_time() - started
    truth = np.array([[known[name][f] for f in findings] for name in read], dtype=bool)
    console.print(f"{len(read)} reports, read at {len(read) / max(seconds, 1e-9):.0f} reports/s")
    print_table(console, SCORE_COLUMNS, map(_score_row, _scores(read, truth, findings)))
    print_table(console, ABLATION_COLUMNS, (_ablation_row(read, truth, findings, rules) for rules in ABLATIONS))
    if misses is not None:
        written = _write(misses, confusions(read, known, findings))
        print_line(console, f"{written} mentions of confused reports in {misses}")
    return 0


def _scores(
    read: Mapping[str, ReadText], truth: npt.NDArray[np.bool_], findings: list[str], ablation: str = "all rules"
) -> list[Score]:
    change = ABLATIONS[ablation]
    return score(truth, np.array([predict(report, findings, change) for report in read.values()], dtype=bool), findings)


def _score_row(s: Score) -> tuple[object, ...]:
    ratios = _ratio(s.precision, s.precision_interval), _ratio(s.recall, s.recall_interval), _ratio(s.f1, s.f1_interval)
    return s.finding, s.hits + s.misses, *ratios, s.false_alarms, s.misses


def _ratio(value: float, interval: tuple[float, float]) -> str:
    return "-" if np.isnan(value) else f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"


def _ablation_row(
    read: Mapping[str, ReadText], truth: npt.NDArray[np.bool_], findings: list[str], rules: str
) -> tuple[str, ...]:
    *_, micro, macro = _scores(read, truth, findings, rules)
    return rules, f"{micro.precision:.3f}", f"{micro.recall:.3f}", f"{micro.f1:.3f}", f"{macro.f1:.3f}"


def _write(path: Path, found: Iterable[Confusion]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Confusion)])
        writer.writeheader()
        for count, confusion in enumerate(found, 1):  # noqa: B007
            writer.writerow(asdict(confusion))
    return count


def _corpus(console: Console, rows: list[AnnotatedMention]) -> int:
    judged = [(row.phenomenon, row.annotated_text, describe_mismatch(row)) for row in rows]
    print_judged(console, judged)
    return int(any(fault for *_, fault in judged))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "gold", type=Path, metavar="GOLD", help="CSV with a filename column and one column per finding; or a corpus of mentions"
    )
    parser.add_argument("--reports", type=Path, metavar="FOLDER", help="folder of the reports: .txt, or Open-i's .xml")
    parser.add_argument(
        "--misses", type=Path, metavar="FILE", help="write confused mentions with sentence and cue (contains report text)"
    )


COMMANDS = (
    CommandGroup(
        "evaluate",
        "measure the report reader against a gold standard; does not touch the deployment",
        (
            Command(
                "reports",
                "print precision, recall and F1 per finding against whole reports, or against a corpus of marked mentions",
                evaluate_reports,
                _add_arguments,
                needs_settings=False,
            ),
            SENTENCES,
        ),
    ),
)
