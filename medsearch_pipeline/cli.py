"""The `medsearch` command: what people run beside Dagster's UI."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from medsearch_core.errors import MedsearchError
from medsearch_core.storage.object_store import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.accounting import account_of
from medsearch_pipeline.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status. What is wrong is said in one line, without a stack trace."""
    parser = argparse.ArgumentParser(prog="medsearch", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="make demo data, start everything, ingest it, and serve it until Ctrl-C")
    demo.add_argument("--home", type=Path, default=Path(".medsearch/demo"), help="folder of everything the demo writes")
    demo.add_argument("--patients", type=int, default=64, help="patients to draw")
    demo.add_argument("--once", action="store_true", help="stop when the example query is answered")
    commands.add_parser("rejections", help="list every rejected object with its reason, and check that the totals reconcile")
    given = parser.parse_args(arguments)
    try:
        if given.command == "demo":
            from medsearch_pipeline.demo.run import run_demo

            return run_demo(given.home, given.patients, given.once)
        return print_rejections(Console(), Settings())
    except MedsearchError as error:
        print(f"medsearch: {error}", file=sys.stderr)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            print(f"medsearch: MEDSEARCH_{str(fault['loc'][0]).upper()}: {fault['msg']}", file=sys.stderr)
    return 1


def print_rejections(console: Console, settings: Settings) -> int:
    """Prints the account of the warehouse; returns 1 if an object is unaccounted for."""
    account = account_of(Warehouse(open_store(settings.warehouse, settings.s3, must_exist=True)))
    table = Table("object", "frame", "reason", "detail")
    for r in account.rejections:
        table.add_row(r.key, str(r.frame or ""), r.reason, r.detail)
    console.print(table)
    console.print(
        f"{account.objects} objects = {account.used_dicom_objects} DICOM objects used ({account.images} images) "
        f"+ {account.used_reports} reports used + {account.rejected_objects} rejected "
        f"+ {len(account.unaccounted)} unaccounted for"
    )
    for key in account.unaccounted:
        console.print(f"unaccounted for: {key}")
    return 1 if account.unaccounted else 0
