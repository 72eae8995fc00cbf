"""`medsearch stale`: which studies are stale, why, and which job refreshes them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping

import dagster as dg
from rich.console import Console

from medsearch_core.search.open import open_index
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.dagster import dagster_instance
from medsearch_pipeline.cli.tables import print_table
from medsearch_pipeline.cli.warehouse import open_warehouse
from medsearch_pipeline.intake.study_runs import StudyRun, failure_sentence
from medsearch_pipeline.ledger.pending_reasons import newest_runs_of
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.upkeep.planning import assess_staleness, format_summary
from medsearch_pipeline.upkeep.staleness import Staleness


def print_stale(console: Console, settings: Settings, studies: bool) -> int:
    """Prints the number of stale studies by reason and job, or lists them; returns 1 if any is stale."""
    warehouse = open_warehouse(settings)
    inputs, staleness = assess_staleness(settings, warehouse, open_index(settings))
    console.print(format_summary(staleness), highlight=False)
    with dagster_instance() as instance:
        failed = _failed_runs(instance, staleness)
        sentences = {run.id: failure_sentence(instance, run.id) for run in set(failed.values())} if instance else {}
    if studies:
        for each in staleness.stale:
            why = ", ".join(f"{part}: {reason}" for part, reason in each.reasons.items())
            run = failed.get(each.study.partition)
            last = f" (run {run.id} failed: {sentences[run.id]})" if run else ""
            line = f"{each.study}: {why}: {each.job or 'no job'}{last}"
            print_line(console, line)
    elif staleness.stale:
        print_table(console, ("part", "reason", "job", "studies"), _count_rows(staleness))
        for run, count in Counter(failed.values()).items():
            line = f"{count} of them are in the failed run {run.id} of {run.job}: {sentences[run.id]}"
            print_line(console, line)
    if refusal := inputs.index_refusal:
        console.print(f"{refusal[0].upper()}{refusal[1:]}.")
    return 1 if staleness.stale else 0


def _failed_runs(instance: dg.DagsterInstance | None, found: Staleness) -> Mapping[str, StudyRun]:
    """Partition → last run, for stale studies whose last run failed."""
    runs = newest_runs_of(instance, [each.study for each in found.stale])
    return {partition: run for partition, run in runs.items() if run.status == dg.DagsterRunStatus.FAILURE}


def _count_rows(found: Staleness) -> Iterator[tuple[object, ...]]:
    for (part, reason, job), count in sorted(found.by_reason_and_job.items(), key=str):
        yield part, reason, job or "none: see docs/operations.md", count


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--studies", action="store_true", help="list the studies")


COMMANDS = (
    Command("stale", "list stale studies, why they are stale, and which job refreshes them", print_stale, _add_arguments),
)
