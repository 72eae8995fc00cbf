"""`medsearch status`: the state of a deployment."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from datetime import datetime

from rich.console import Console

from medsearch_core.search.open import open_index
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.dagster import dagster_instance
from medsearch_pipeline.cli.tables import print_table
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.orchestration.daemon import DaemonHealth
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.status.deployment import DeploymentStatus, read_status
from medsearch_pipeline.supervision.home_settings import require_deployment


def print_status(console: Console, settings: Settings, is_json: bool) -> int:
    """Prints the state of the deployment; returns 0 whatever it is: `medsearch check` judges it.

    Raises:
        ConfigurationError: no deployment is named.
    """
    require_deployment(settings, os.environ)
    warehouse = Warehouse(open_store(settings.warehouse, settings.s3, setting="MEDSEARCH_WAREHOUSE"))
    with dagster_instance() as instance, Console(stderr=True).status("Reading warehouse, index and Dagster's state …"):
        status = read_status(settings, warehouse, open_index(settings), instance)
    if is_json:
        print(json.dumps(asdict(status), indent=2, default=_iso))
    else:
        _print(console, status)
    return 0


def _print(console: Console, status: DeploymentStatus) -> None:
    def line(name: str, text: str) -> None:
        print_line(console, f"{name:<10} {text}")

    states = ", ".join(f"{count} {state}" for state, count in status.objects.items() if count)
    line("Objects", states or ("none has landed" if status.objects else "the landing store has not been scanned yet"))
    line("Studies", f"{status.studies} landed, {status.indexed_studies} indexed")
    line("Index", f"{counted(status.images, 'image')}, {counted(status.reports, 'report')}")
    for each in status.pending:
        detail = f": {each.detail}" if each.detail else ""
        line("Pending", f"{counted(each.objects, 'object')} of {counted(each.studies, 'study')} {each.reason}{detail}")
    for study in status.unindexed:
        why = ", ".join(f"{counted(count, 'object')} {reason}" for reason, count in study.reasons.items())
        line("Unindexed", f"{study.study}: {why}")
    line("Model", status.model if status.is_model_available is not False else f"cannot be loaded: {status.model}")
    for release in status.releases:
        line("Release", f"{release.name}, {_published(release.published)}{', current' if release.is_current else ''}")
    if not status.has_dagster:
        line("Dagster", "DAGSTER_HOME is not a folder, so sensors, runs and the last ledger are unknown")
        return
    if status.daemon:
        line("Daemon", _daemon(status.daemon))
    line("Inventory", _time(status.last_inventory))
    line("Ledger", _time(status.last_ledger))
    for run in status.failed_runs:
        line("Failed", f"run {run.id} of {run.job}, {_time(run.ended)}: {run.sentence}")
    waits = ", waits for the daemon" if status.daemon and status.daemon.is_stopped else ""
    rows = [
        (each.name, f"on{waits}" if each.is_on else "off", _time(each.last_tick), each.outcome, each.message)
        for each in status.automation
    ]
    print_table(console, ("sensor or schedule", "", "last tick", "", "message"), rows)


def _daemon(health: DaemonHealth) -> str:
    if not health.silent:
        return "runs"
    if health.is_stopped:
        return f"does not run, so no sensor is evaluated and no run starts; last heartbeat: {_time(health.last_heartbeat)}"
    return f"parts of it do not run: {', '.join(health.silent)}"


def _published(time: datetime | None) -> str:
    return f"published {_time(time)}" if time else "never published"


def _time(time: datetime | None) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else "never"


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", dest="is_json", action="store_true", help="print it as JSON")


COMMANDS = (Command("status", "print counts, pending work, sensors, failed runs and releases", print_status, _add_arguments),)
