"""`medsearch ingest`: launches `ingest_job` for all or some studies, and follows the runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from types import TracebackType

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from medsearch_core.errors import ConfigurationError, MedsearchError
from medsearch_core.keys import StudyKey
from medsearch_core.search.open import open_index
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.cli.command import Command
from medsearch_pipeline.cli.dagster import dagster_instance
from medsearch_pipeline.cli.where import find
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.messages.lines import print_line
from medsearch_pipeline.models.availability import DOWNLOAD_SECONDS, availability
from medsearch_pipeline.orchestration.run_progress import RunProgress
from medsearch_pipeline.readiness.dagster_instance import check_daemon
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.ingestion import Ingestion, ingest_studies, take_inventory
from medsearch_pipeline.supervision.launchers import WebserverLauncher, choose_launcher

MAX_NAMED = 20


def ingest(console: Console, settings: Settings, names: Sequence[str]) -> int:
    """Ingests and prints the outcome; returns 1 if a run failed.

    Raises:
        ConfigurationError: `DAGSTER_HOME` is not set, or the model cannot be loaded. Nothing is launched.
        MedsearchError: a name matches nothing.
    """
    with Console(stderr=True).status(f"Loading {settings.model} …"):
        model = availability(settings, DOWNLOAD_SECONDS)
    if model is not None and not model.is_available:
        raise ConfigurationError(model.sentence)
    warehouse = Warehouse(open_store(settings.warehouse, settings.s3, setting="MEDSEARCH_WAREHOUSE"))
    index = open_index(settings)
    with dagster_instance() as instance:
        if instance is None:
            raise ConfigurationError(
                "DAGSTER_HOME is not a folder, so partitions and runs are unknown: set it to the folder of dagster.yaml"
            )
        launcher = choose_launcher(settings, instance)
        with IngestDisplay(console) as display:
            display.say(f"Runs are started by {launcher.description}.")
            if isinstance(launcher, WebserverLauncher):
                _warn_without_daemon(display, instance)
            if not names and (fault := take_inventory(instance, launcher, display)):
                raise MedsearchError(f"the inventory failed: {fault}")
            studies = _studies_of(names, warehouse, index) if names else None
            done = ingest_studies(settings, instance, warehouse, index, launcher, display, studies)
    return _report(console, done)


def _studies_of(names: Sequence[str], warehouse: Warehouse, index: ReleasedIndex) -> list[StudyKey]:
    found: set[StudyKey] = set()
    for name in names:
        found |= set(find(name, warehouse, index).studies)
    return sorted(found)


def _warn_without_daemon(display: IngestDisplay, instance: dg.DagsterInstance) -> None:
    daemon = check_daemon(instance, os.environ["DAGSTER_HOME"])
    if daemon.level != "ok":
        display.say(f"Dagster's daemon {daemon.message}: {daemon.advice}")


def _report(console: Console, done: Ingestion) -> int:
    def line(text: str) -> None:
        print_line(console, text)

    for run, sentence in done.failed.items():
        line(f"run {run} failed: {sentence}")
    for study in done.pending[:MAX_NAMED]:
        line(f"not ingested: {study}")
    if len(done.pending) > MAX_NAMED:
        line(f"not ingested: {len(done.pending) - MAX_NAMED} more (medsearch stale --studies lists all)")
    line(f"{counted(done.studies, 'study')} in {counted(done.runs, 'run')}; {len(done.failed)} failed")
    return int(bool(done.failed))


class IngestDisplay:
    """A progress bar on a terminal; elsewhere a line for each step."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._last: dict[str, str] = {}

    def __enter__(self) -> IngestDisplay:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        print_line(self._console, line)

    def show(self, run_id: str, studies: int, progress: RunProgress) -> None:
        state = progress.status.value.lower()
        text = (
            f"{progress.asset}: {progress.done} of {counted(progress.total, 'study')}"
            if progress.asset and not progress.is_over
            else state
        )
        if text == self._last.get(run_id):
            return
        self._last[run_id] = text
        if not self._console.is_terminal:
            self.say(f"run {run_id}: {text}")
            return
        if run_id not in self._tasks:
            self._tasks[run_id] = self._bars.add_task(state, total=studies or None)
        is_good = progress.status == dg.DagsterRunStatus.SUCCESS
        total = progress.total or studies or 1
        completed = total if is_good else progress.done
        self._bars.update(self._tasks[run_id], description=progress.asset or state, completed=completed, total=total)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "study to ingest: patient/study, landed key or folder, accession number or UID (default: everything that landed)"
    parser.add_argument("names", nargs="*", metavar="STUDY", help=help_)


COMMANDS = (
    Command("ingest", "ingest everything that landed, or the named studies, and follow the runs", ingest, _add_arguments),
)
