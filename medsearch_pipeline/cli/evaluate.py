"""`medsearch evaluate reports`: the report reader against a gold standard of whole reports or a corpus of annotated
mentions."""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from string import ascii_letters
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from medsearch_core.errors import BadInput, ConfigurationError
from medsearch_core.reports.corpus import AnnotatedMention, describe_mismatch, read_annotated_mentions
from medsearch_core.reports.decode import decode_report
from medsearch_core.reports.evaluate import (
    ABLATIONS,
    Confusion,
    ReadText,
    Score,
    concepts_of_findings,
    confusions,
    predict,
    read_texts,
    score,
)
from medsearch_pipeline.cli.command import Command, CommandGroup

NAME = "filename"


def evaluate_reports(console: Console, gold: Path, reports: Path | None, misses: Path | None) -> int:
    """Prints how accurate the reader is. For a corpus, the exit status is 1 if any row fails."""
    rows = _rows(gold)
    if "mention" in rows[0]:
        return _corpus(console, read_annotated_mentions(rows))
    if reports is None:
        raise ConfigurationError(f"{gold} names whole reports: give their folder with --reports FOLDER")
    findings = [f for f in concepts_of_findings() if f in rows[0]]
    if NAME not in rows[0] or not findings:
        raise ConfigurationError(
            f"{gold} needs a column {NAME} and a column per finding, such as {next(iter(concepts_of_findings()))}"
        )
    known = {row[NAME]: {f: _is_positive(gold, row, f) for f in findings} for row in rows}
    texts = {name: _text(reports, name) for name in known}
    started = time.process_time()
    read = read_texts(texts)
    seconds = time.process_time() - started
    truth = np.array([[known[name][f] for f in findings] for name in read], dtype=bool)
    console.print(f"{len(read)} reports, read at {len(read) / max(seconds, 1e-9):.0f} reports/s")
    console.print(_table(_scores(read, truth, findings)))
    console.print(_ablations(read, truth, findings))
    if misses is not None:
        console.print(f"{_write(misses, confusions(read, known, findings))} mentions of confused reports in {misses}")
    return 0


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as a CSV file: {type(error).__name__}") from error
    if not rows:
        raise ConfigurationError(f"{path} has no rows")
    return rows


def _is_positive(gold: Path, row: Mapping[str, str], finding: str) -> bool:
    if row[finding] not in ("0", "1"):
        raise ConfigurationError(f"{gold}: {finding} of {row[NAME]} is neither 0 nor 1")
    return row[finding] == "1"


def _text(folder: Path, name: str) -> str:
    """A report's text from `name.txt`, Open-i's `name.xml`, or that name without its leading letters."""
    for path in (folder / f"{name}.txt", folder / f"{name}.xml", folder / f"{name.lstrip(ascii_letters)}.xml"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.suffix == ".xml":
            return _open_i(path, data)
        try:
            return decode_report(data)[0]
        except BadInput as fault:
            raise ConfigurationError(f"{path}: {fault}") from fault
    raise ConfigurationError(f"{folder} has no report {name}: neither {name}.txt nor {name}.xml")


def _open_i(path: Path, data: bytes) -> str:
    """The text of an Open-i report, one labeled paragraph per section."""
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - a file the user names, and expat limits entity expansion
    except ElementTree.ParseError as error:
        raise ConfigurationError(f"{path} is not XML: {error}") from error
    labelled = [(part.get("Label", ""), (part.text or "").strip()) for part in root.iter("AbstractText")]
    return "\n\n".join(f"{label}: {text}" for label, text in labelled if text)


def _scores(
    read: Mapping[str, ReadText], truth: npt.NDArray[np.bool_], findings: list[str], ablation: str = "all rules"
) -> list[Score]:
    change = ABLATIONS[ablation]
    return score(truth, np.array([predict(report, findings, change) for report in read.values()], dtype=bool), findings)


def _table(scores: Iterable[Score]) -> Table:
    table = Table("finding", "reports", "precision", "recall", "F1", "false alarms", "misses")
    for s in scores:
        ratios = (
            _ratio(s.precision, s.precision_interval),
            _ratio(s.recall, s.recall_interval),
            _ratio(s.f1, s.f1_interval),
        )
        table.add_row(s.finding, str(s.hits + s.misses), *ratios, str(s.false_alarms), str(s.misses))
    return table


def _ratio(value: float, interval: tuple[float, float]) -> str:
    return "-" if np.isnan(value) else f"{value:.3f} ({interval[0]:.3f}-{interval[1]:.3f})"


def _ablations(read: Mapping[str, ReadText], truth: npt.NDArray[np.bool_], findings: list[str]) -> Table:
    table = Table("rules", "micro precision", "micro recall", "micro F1", "macro F1")
    for name in ABLATIONS:
        *_, micro, macro = _scores(read, truth, findings, name)
        table.add_row(name, f"{micro.precision:.3f}", f"{micro.recall:.3f}", f"{micro.f1:.3f}", f"{macro.f1:.3f}")
    return table


def _write(path: Path, found: Iterable[Confusion]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Confusion)])
        writer.writeheader()
        for count, confusion in enumerate(found, 1):  # noqa: B007
            writer.writerow(asdict(confusion))
    return count


def _corpus(console: Console, rows: list[AnnotatedMention]) -> int:
    table = Table("phenomenon", "mentions", "right")
    faults = {row: describe_mismatch(row) for row in rows}
    for phenomenon in dict.fromkeys(row.phenomenon for row in rows):
        of_it = [row for row in rows if row.phenomenon == phenomenon]
        table.add_row(phenomenon, str(len(of_it)), str(sum(not faults[row] for row in of_it)))
    console.print(table)
    for row, fault in faults.items():
        if fault:
            console.print(f"{row.phenomenon}: {row.annotated_text}: {fault}", markup=False, highlight=False)
    return int(any(faults.values()))


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
        ),
    ),
)
