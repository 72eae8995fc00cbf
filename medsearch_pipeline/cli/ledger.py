"""`medsearch ledger` and `medsearch rejections`: the state of every landed object."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console

from medsearch_core.keys import StudyKey
from medsearch_core.records import STATES
from medsearch_core.search.open import open_index
from medsearch_core.storage.ledger import LedgerTotals, totals_of
from medsearch_core.storage.warehouse import LEDGER_PATH
from medsearch_pipeline.cli.command import Command, study_key
from medsearch_pipeline.cli.dagster import dagster_instance
from medsearch_pipeline.cli.tables import print_csv, print_table
from medsearch_pipeline.cli.warehouse import open_warehouse
from medsearch_pipeline.intake.inventory import is_scanned
from medsearch_pipeline.ledger.catalog import read_catalog
from medsearch_pipeline.ledger.current import current_ledger
from medsearch_pipeline.ledger.pending_reasons import (
    interrupted_keys,
    pending_reasons,
    pending_studies,
    with_pending_reasons,
)
from medsearch_pipeline.ledger.reconciliation import NAMED
from medsearch_pipeline.ledger.states import current_rejections
from medsearch_pipeline.ledger.summary import Ledger, compare_with_inventory, format_equation, read_ledger
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.settings import Settings

MAX_ROWS = 1000
COLUMNS = (
    "key",
    "state",
    "reason",
    "detail",
    "patient",
    "study",
    "kind",
    "bytes",
    "etag",
    "sha256",
    "images",
    "refused_frames",
    "run",
)


def print_ledger(console: Console, settings: Settings, state: str | None, study: StudyKey | None, is_csv: bool) -> int:
    """Prints the totals, or the rows of a state or study; returns 1 if an object is unaccounted for."""
    ledger = _with_reasons(settings, *_open(settings))
    rows = _select(ledger.rows, state, study).select(list(COLUMNS))
    if is_csv:
        print_csv(rows)
        return _print_unaccounted(Console(stderr=True), ledger)
    if state or study:
        _print_rows(console, rows, ("key", "state", "reason", "detail", "run"))
    else:
        print_table(console, ("state", "objects", "images", "reason"), _total_rows(ledger.totals))
    console.print(format_equation(ledger), highlight=False, soft_wrap=True)
    return _print_unaccounted(console, ledger)


def print_rejections(console: Console, settings: Settings, is_csv: bool) -> int:
    """Prints every rejected or excluded object and frame; returns 1 if an object is unaccounted for."""
    ledger, catalog = _open(settings)
    rows = current_rejections(ledger.rows, catalog)
    if is_csv:
        print_csv(rows)
        return _print_unaccounted(Console(stderr=True), ledger)
    _print_rows(console, rows, ("key", "frame", "state", "reason", "detail"), None)
    console.print(format_equation(ledger), highlight=False, soft_wrap=True)
    return _print_unaccounted(console, ledger)


def _open(settings: Settings) -> tuple[Ledger, pa.Table]:
    """The last ledger and its catalog; before the first one, those that it would have now."""
    warehouse = open_warehouse(settings)
    if warehouse.inputs(LEDGER_PATH) is not None or not is_scanned(warehouse):
        return read_ledger(warehouse), read_catalog(warehouse)
    now = current_ledger(settings, warehouse, open_index(settings))
    Console(stderr=True).print("There is no ledger yet: these are the states now. ledger_job records them.", soft_wrap=True)
    return compare_with_inventory(warehouse, now.rows), now.catalog


def _with_reasons(settings: Settings, ledger: Ledger, catalog: pa.Table) -> Ledger:
    """The ledger with the current reason of each pending object."""
    studies = pending_studies(ledger.rows)
    if not studies:
        return ledger
    with dagster_instance() as instance:
        reasons = pending_reasons(settings, ledger.warehouse, instance, studies)
    rows = with_pending_reasons(ledger.rows, reasons, interrupted_keys(catalog))
    return replace(ledger, rows=rows, totals=totals_of(rows))


def _select(rows: pa.Table, state: str | None, study: StudyKey | None) -> pa.Table:
    if state:
        rows = rows.filter(pc.equal(rows["state"], state))
    if study:
        rows = rows.filter(pc.and_(pc.equal(rows["patient"], study.patient), pc.equal(rows["study"], study.study)))
    return rows


def _total_rows(totals: LedgerTotals) -> Iterator[tuple[object, ...]]:
    for total in totals.states:
        yield total.state, total.objects, total.images, ""
        for reason, count in sorted(total.reasons.items()):
            yield "", count, "", reason


def _print_rows(console: Console, rows: pa.Table, columns: tuple[str, ...], max_rows: int | None = MAX_ROWS) -> None:
    shown = rows.slice(0, max_rows).to_pylist()
    print_table(console, columns, ([row[name] for name in columns] for row in shown))
    if max_rows is not None and rows.num_rows > max_rows:
        console.print(f"… and {rows.num_rows - max_rows} more: --csv lists all", highlight=False)


def _print_unaccounted(console: Console, ledger: Ledger) -> int:
    for message, keys in (("unaccounted for", ledger.lost), ("changed since the ledger", ledger.since)):
        for key in keys[:NAMED]:
            print_line(console, f"{message}: {key}")
        if len(keys) > NAMED:
            console.print(f"{message}: {len(keys) - NAMED} more", highlight=False)
    if ledger.since:
        console.print("The inventory is newer than the ledger: run ledger_job.")
    return 1 if ledger.unaccounted else 0


def _add_csv(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--csv", dest="is_csv", action="store_true", help="print the rows as CSV")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=STATES, help="list the objects of one state")
    parser.add_argument("--study", type=study_key, metavar="PATIENT/STUDY", help="list the objects of one study")
    parser.add_argument("--csv", dest="is_csv", action="store_true", help="print the selected rows as CSV, or all")


COMMANDS = (
    Command("ledger", "report the state of every landed object and verify that totals reconcile", print_ledger, _add_arguments),
    Command(
        "rejections",
        "list every rejected or excluded object and frame with its reason and verify that totals reconcile",
        print_rejections,
        _add_csv,
    ),
)
