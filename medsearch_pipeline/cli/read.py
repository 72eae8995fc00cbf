"""`medsearch read`: one report as the rules read it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from medsearch_core.errors import BadInput, MedsearchError
from medsearch_core.reports.read import read_report
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.report_view import print_report

STANDARD_INPUT = "-"


def print_reading(console: Console, report: str, is_json: bool) -> int:
    """Prints what is read in a report of a file or of standard input."""
    name = "standard input" if report == STANDARD_INPUT else report
    try:
        data = sys.stdin.buffer.read() if report == STANDARD_INPUT else Path(report).read_bytes()
        record, entities = read_report(data, report_id=Path(name).stem, patient="", study="", key=name)
    except OSError as error:
        raise MedsearchError(f"{name} cannot be read: {error.strerror}") from error
    except BadInput as fault:
        raise MedsearchError(f"{name} is no report: {fault}") from fault
    if is_json:
        found = {"report": asdict(record), "entities": [asdict(entity) for entity in entities]}
        console.out(json.dumps(found, indent=2), highlight=False)
    else:
        print_report(console, record, entities)
    return 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="FILE", help="a report as text; - reads standard input")
    parser.add_argument(
        "--json", dest="is_json", action="store_true", help="print the rows of reports and report_entities as JSON"
    )


COMMANDS = (
    Command(
        "read",
        "show what is read in one report, by the rules; does not touch the deployment",
        print_reading,
        _add_arguments,
        needs_settings=False,
    ),
)
