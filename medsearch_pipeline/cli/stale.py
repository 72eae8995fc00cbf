"""`medsearch stale`: which studies are stale, why, and which job mends them."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from medsearch_core.search.open import open_index
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.warehouse import open_warehouse
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.upkeep.planning import assess_staleness, format_summary
from medsearch_pipeline.upkeep.staleness import Staleness


def print_stale(console: Console, settings: Settings, studies: bool) -> int:
    """Prints how many studies are stale by reason and job, or the studies; returns 1 if one is."""
    warehouse = open_warehouse(settings)
    inputs, staleness = assess_staleness(settings, warehouse, open_index(settings))
    console.print(format_summary(staleness), highlight=False)
    if studies:
        for each in staleness.stale:
            why = ", ".join(f"{part}: {reason}" for part, reason in each.reasons.items())
            console.print(f"{each.study}: {why}: {each.job or 'no job'}", markup=False, highlight=False, soft_wrap=True)
    elif staleness.stale:
        console.print(_count_table(staleness))
    if refusal := inputs.index_refusal:
        console.print(f"{refusal[0].upper()}{refusal[1:]}.")
    return 1 if staleness.stale else 0


def _count_table(found: Staleness) -> Table:
    table = Table("part", "reason", "job", "studies")
    for (part, reason, job), count in sorted(found.by_reason_and_job.items()):
        table.add_row(part, reason, job or "none: see docs/operations.md", str(count))
    return table


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--studies", action="store_true", help="list the studies")


COMMANDS = (
    Command("stale", "list stale studies, why they are stale, and which job refreshes them", print_stale, _add_arguments),
)
