"""The files that `medsearch evaluate` measures against: CSV files of what is right, and the reports that they are about."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_letters
from xml.etree import ElementTree

from medsearch_core.errors import BadInput, ConfigurationError
from medsearch_core.reports.evaluation.scores import concepts_of_findings
from medsearch_core.reports.text.decode import decode_report

NAME = "filename"


def read_gold(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; lines that start with # are comments.

    Raises:
        ConfigurationError: it cannot be read, or has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read as a CSV file: {type(error).__name__}") from error
    if not rows:
        raise ConfigurationError(f"{path} has no rows")
    return rows


def read_truth(gold: Path, rows: Sequence[Mapping[str, str]]) -> dict[str, dict[str, bool]]:
    """Report → whether it has each finding, from the rows of a gold standard of whole reports.

    Raises:
        ConfigurationError: a column is missing, or a value is neither 0 nor 1.
    """
    findings = [f for f in concepts_of_findings() if f in rows[0]]
    if NAME not in rows[0] or not findings:
        raise ConfigurationError(
            f"{gold} needs a column {NAME} and one a finding, such as {next(iter(concepts_of_findings()))}"
        )
    return {row[NAME]: {f: _is_positive(gold, row, f) for f in findings} for row in rows}


def _is_positive(gold: Path, row: Mapping[str, str], finding: str) -> bool:
    if row[finding] not in ("0", "1"):
        raise ConfigurationError(f"{gold}: {finding} of {row[NAME]} is neither 0 nor 1")
    return row[finding] == "1"


def read_gold_text(folder: Path, name: str) -> str:
    """A report's text: `name.txt`, or Open-i's `name.xml` or `name` without its leading letters and `.xml`."""
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
    """The text of a report of Open-i, one paragraph a section under its label."""
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - a file the user names, and expat expands no entities without end
    except ElementTree.ParseError as error:
        raise ConfigurationError(f"{path} is not XML: {error}") from error
    labelled = [(part.get("Label", ""), (part.text or "").strip()) for part in root.iter("AbstractText")]
    return "\n\n".join(f"{label}: {text}" for label, text in labelled if text)
