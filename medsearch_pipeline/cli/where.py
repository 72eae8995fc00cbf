"""`medsearch where`: finds a study by key, accession number, UID or partition, and shows its objects, partition and runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import dagster as dg
from rich.console import Console

from medsearch_core.errors import MedsearchError
from medsearch_core.keys import StudyKey
from medsearch_core.records import EXCLUSIONS
from medsearch_core.search.open import open_index
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.dagster import dagster_instance
from medsearch_pipeline.cli.tables import print_table
from medsearch_pipeline.cli.warehouse import open_warehouse
from medsearch_pipeline.intake.inventory import require_inventory
from medsearch_pipeline.intake.study_runs import StudyRun, newest_runs, runs_covering
from medsearch_pipeline.ledger.current import current_ledger
from medsearch_pipeline.ledger.pending_reasons import interrupted_keys, pending_reasons, with_pending_reasons
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.status.lookup import Match, find_by_uid, find_in_inventory

MAX_STUDIES, MAX_RUNS = 20, 10


def print_place(console: Console, settings: Settings, text: str) -> int:
    """Prints the studies, objects, partition and runs that the text names; returns 1 if it names no study."""
    warehouse, index = open_warehouse(settings), open_index(settings)
    match = find(text, warehouse, index)
    for row in match.orphans.to_pylist():
        line = f"{row['key']}: {state_of(row['reason'], row['kind'])}, of no study: {row['reason']} ({row['detail']})"
        print_line(console, line)
    with dagster_instance() as instance:
        for study in match.studies[:MAX_STUDIES]:
            _print_study(console, settings, warehouse, index, instance, study, match.kind)
    if len(match.studies) > MAX_STUDIES:
        console.print(f"… and {len(match.studies) - MAX_STUDIES} more studies", highlight=False)
    return 0


def find(text: str, warehouse: Warehouse, index: ReleasedIndex) -> Match:
    """What a text names.

    Raises:
        MedsearchError: the text names nothing.
    """
    inventory = require_inventory(warehouse)
    match = find_in_inventory(text, inventory) or find_by_uid(text, warehouse, index, inventory)
    if match is None:
        raise MedsearchError(
            f"no landed study or object is named {text}: give a landed key or folder, patient/study, accession number or UID. "
            "Only studies grouped by header have known accession numbers"
        )
    return match


def state_of(reason: str | None, kind: str) -> str:
    """The state of an object of no study, as in the ledger."""
    return "excluded" if reason in EXCLUSIONS else kind


def _print_study(
    console: Console,
    settings: Settings,
    warehouse: Warehouse,
    index: ReleasedIndex,
    instance: dg.DagsterInstance | None,
    study: StudyKey,
    kind: str,
) -> None:
    ledger = current_ledger(settings, warehouse, index, [study])
    reasons = pending_reasons(settings, warehouse, instance, [study])
    rows = with_pending_reasons(ledger.rows, reasons, interrupted_keys(ledger.catalog))
    print_line(console, f"Partition  {study.partition}  (found by {kind})")
    columns = ("key", "state", "reason", "detail")
    print_table(console, columns, ([row[name] for name in columns] for row in rows.to_pylist()))
    wrote = sorted({run for run in ledger.catalog["run"].to_pylist() if run})
    if instance is None:
        line = f"Runs that wrote its tables: {', '.join(wrote) or 'none'}. Set DAGSTER_HOME to see how they ended."
        print_line(console, line)
        return
    keys = instance.get_dynamic_partitions(NAME)
    if study.partition not in keys:
        console.print("The partition is not registered in Dagster yet: ingest_sensor or inventory_job registers it.")
    runs = runs_covering(newest_runs(instance), keys, study.partition, MAX_RUNS)
    print_table(console, ("run", "job", "status", "created", "wrote its tables"), _run_rows(runs, wrote))


def _run_rows(runs: list[StudyRun], wrote: list[str]) -> Iterator[tuple[object, ...]]:
    for run in runs:
        yield run.id, run.job, run.status.value, f"{run.created:%Y-%m-%d %H:%M:%S}", "yes" if run.id in wrote else ""
    listed = {run.id for run in runs}
    for run_id in wrote:
        if run_id not in listed:
            yield run_id, "", "deleted from Dagster, or older", "", "yes"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "landed key or folder, patient/study, study id, accession number, StudyInstanceUID or SOPInstanceUID"
    parser.add_argument("text", metavar="NAME", help=help_)


COMMANDS = (Command("where", "find a study or object: partition, states and runs", print_place, _add_arguments),)
