"""`medsearch up`: the whole system on your own data."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.supervision.home_settings import DEFAULT_HOME


def up(console: Console, landing: str | None, home: Path, dagster_port: int, api_port: int | None) -> int:
    """Starts everything and serves until Ctrl-C."""
    from medsearch_pipeline.supervision.up import run_up

    return run_up(console, landing, home, dagster_port, api_port)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--landing", metavar="PLACE", help="folder or s3://bucket/prefix of DICOM files and reports (MEDSEARCH_LANDING)")
    add(
        "--home",
        type=Path,
        default=DEFAULT_HOME,
        metavar="FOLDER",
        help="folder for output; MEDSEARCH_WAREHOUSE, MEDSEARCH_INDEX and DAGSTER_HOME override parts of it "
        "(default: %(default)s)",
    )
    add("--dagster-port", type=int, default=3000, metavar="PORT", help="port of the Dagster UI (default: %(default)s)")
    add(
        "--api-port",
        type=int,
        metavar="PORT",
        help="port of the search page and GraphQL (MEDSEARCH_API_PORT, default: 8000); "
        "MEDSEARCH_EMBEDDER_PORT sets the embedder's (default: 8001)",
    )


COMMANDS = (
    Command(
        "up",
        "start everything on this machine, ingest what lands, and serve it until Ctrl-C",
        up,
        _add_arguments,
        needs_settings=False,
    ),
)
