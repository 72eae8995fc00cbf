"""`medsearch demo`: the whole system over synthetic data."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from medsearch_pipeline.cli.command import Command


def demo(_: Console, home: Path, patients: int, once: bool) -> int:
    """Runs the demo."""
    from medsearch_pipeline.demo.run import run_demo

    return run_demo(home, patients, once)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=Path, default=Path(".medsearch/demo"), help="folder for everything the demo writes")
    parser.add_argument("--patients", type=int, default=64, help="number of patients to draw")
    parser.add_argument("--once", action="store_true", help="stop when the example query is answered")


COMMANDS = (
    Command(
        "demo",
        "draw demo data, start everything, ingest the data, and serve it until Ctrl-C",
        demo,
        _add_arguments,
        needs_settings=False,
    ),
)
