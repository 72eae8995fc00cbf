"""`medsearch ingest`: runs of `ingest_job` over all or some studies, one after another, and their outcome."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import dagster as dg

from medsearch_core.errors import MedsearchError
from medsearch_core.keys import StudyKey
from medsearch_core.search.index import SearchIndex
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.dispatch import MAX_GAP, ranges
from medsearch_pipeline.intake.study_runs import StudyRun, failure_sentence, newest_runs
from medsearch_pipeline.ledger.current import current_ledger
from medsearch_pipeline.ledger.pending_reasons import pending_studies
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.orchestration.partitions import NAME, Partitions, register
from medsearch_pipeline.orchestration.run_progress import RunProgress, follow_run
from medsearch_pipeline.orchestration.run_tags import UNFINISHED, range_tags, settings_tags
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.settings_digest import settings_digest
from medsearch_pipeline.supervision.launchers import Launcher

POLL_SECONDS = 1.0
JOB = "ingest_job"


class Display(Protocol):
    """Shows the progress of an ingestion."""

    def say(self, line: str) -> None:
        """Prints a message."""

    def show(self, run_id: str, studies: int, progress: RunProgress) -> None:
        """Shows the progress of a run."""


@dataclass
class Ingestion:
    """The outcome of an ingestion.

    Attributes:
        failed: Run → why it failed.
        pending: Studies of failed runs that did not reach the index.
    """

    runs: int = 0
    studies: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    pending: Sequence[StudyKey] = ()


def take_inventory(instance: dg.DagsterInstance, launcher: Launcher, display: Display) -> str | None:
    """Runs `inventory_job`, which registers landed studies; returns why it failed, or None."""
    run_id = launcher.launch("inventory_job", {})
    display.say(f"run {run_id} of inventory_job scans the landing store")
    if _follow(instance, launcher, display, run_id, 0) == dg.DagsterRunStatus.SUCCESS:
        return None
    return failure_sentence(instance, run_id)


def ingest_studies(
    settings: Settings,
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    index: SearchIndex,
    launcher: Launcher,
    display: Display,
    studies: Sequence[StudyKey] | None,
) -> Ingestion:
    """Ingests studies, or all registered ones, in consecutive runs.

    A study in the range of an unfinished run waits for its end: two runs never write the same study.
    """
    if studies is not None:
        register(instance, studies)
    keys = instance.get_dynamic_partitions(NAME)
    positions = {key: position for position, key in enumerate(keys)}
    wanted = range(len(keys)) if studies is None else [positions[study.partition] for study in studies]
    done, digest = Ingestion(), settings_digest(settings)
    unfinished: list[StudyKey] = []
    for span in ranges(wanted, MAX_GAP if studies is None else 0, settings.max_partitions_per_run):
        members = keys[span.start : span.stop]
        _wait_for_others(instance, display, members)
        tags = {**range_tags(members[0], members[-1], len(members)), **settings_tags(digest)}
        run_id = launcher.launch(JOB, tags)
        done.runs, done.studies = done.runs + 1, done.studies + len(members)
        display.say(f"run {run_id} of {JOB} processes {counted(len(members), 'study')}")
        if _follow(instance, launcher, display, run_id, len(members)) != dg.DagsterRunStatus.SUCCESS:
            done.failed[run_id] = failure_sentence(instance, run_id)
            unfinished += Partitions.of(members).studies
    try:
        done.pending = pending_studies(current_ledger(settings, warehouse, index, unfinished).rows) if unfinished else ()
    except MedsearchError:  # the run failed for the same reason
        done.pending = unfinished
    return done


def runs_over(runs: Sequence[StudyRun], keys: Sequence[str], partitions: Collection[str]) -> Iterator[StudyRun]:
    """The unfinished runs that cover one of these partitions.

    Args:
        keys: every partition, in Dagster's order.
    """
    positions = {key: position for position, key in enumerate(keys)}
    wanted = {positions[key] for key in partitions if key in positions}
    for run in runs:
        start, end = positions.get(run.start), positions.get(run.end)
        if start is not None and end is not None and not wanted.isdisjoint(range(start, end + 1)):
            yield run


def _wait_for_others(instance: dg.DagsterInstance, display: Display, partitions: Collection[str]) -> None:
    said: set[str] = set()
    while True:
        runs = list(newest_runs(instance, dg.RunsFilter(statuses=UNFINISHED)))
        others = list(runs_over(runs, instance.get_dynamic_partitions(NAME), partitions)) if runs else []
        if not others:
            return
        for run in others:
            if run.id not in said:
                display.say(f"waiting for run {run.id} of {run.job}, which processes some of these studies")
                said.add(run.id)
        time.sleep(POLL_SECONDS)


def _follow(
    instance: dg.DagsterInstance, launcher: Launcher, display: Display, run_id: str, studies: int
) -> dg.DagsterRunStatus:
    def pause() -> None:
        launcher.look_after(run_id)
        time.sleep(POLL_SECONDS)

    return follow_run(instance, run_id, lambda progress: display.show(run_id, studies, progress), pause)
