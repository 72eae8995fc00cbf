"""Runs over studies: which partitions each one covers, which was the last for a study, and why it failed.

Belongs here: reading Dagster's storage, and rules over the result. `failed_runs` decides what happens after a failure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus
from dagster_shared.error import SerializableErrorInfo

from medsearch_pipeline.alerts.alert import safe_error_text
from medsearch_pipeline.orchestration.run_tags import SETTINGS_TAG, UNFINISHED, UNRESOLVED_TAG, partition_span

MAX_RUNS = 2000
PAGE = 100
INDEX = dg.AssetKey("search_index")
WRAPPERS = ("DagsterExecutionStepExecutionError", "SensorExecutionError", "ScheduleExecutionError")
"""Dagster's wrappers around the original error."""


@dataclass(frozen=True)
class StudyRun:
    """A run over a range of partitions.

    Attributes:
        settings: the digest of the settings it began with, if recorded.
        writes_index: whether it writes its studies to the search index.
    """

    id: str
    job: str
    status: DagsterRunStatus
    start: str
    end: str
    created: datetime
    settings: str | None = None
    writes_index: bool = True

    @property
    def is_unfinished(self) -> bool:
        """Whether it is queued, started, or being canceled."""
        return self.status in UNFINISHED


def newest_runs(
    instance: dg.DagsterInstance, filters: dg.RunsFilter | None = None, max_runs: int = MAX_RUNS
) -> Iterable[StudyRun]:
    """The last runs over partitions, newest first, read a page at a time."""
    cursor, read = None, 0
    while read < max_runs:
        records = instance.get_run_records(filters, limit=PAGE, cursor=cursor)
        for record in records:
            run = record.dagster_run
            span = partition_span(run)
            if span:
                writes_index = not run.asset_selection or INDEX in run.asset_selection
                settings = run.tags.get(SETTINGS_TAG)
                created = record.create_timestamp
                yield StudyRun(run.run_id, run.job_name, run.status, *span, created, settings, writes_index)
        if len(records) < PAGE:
            return
        cursor, read = records[-1].dagster_run.run_id, read + len(records)


def unresolved_failures(instance: dg.DagsterInstance, max_runs: int) -> list[StudyRun]:
    """Failed runs that were neither retried nor superseded, newest first."""
    failed = dg.RunsFilter(statuses=[DagsterRunStatus.FAILURE], tags={UNRESOLVED_TAG: "true"})
    return list(newest_runs(instance, failed, max_runs))


def resolve(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> None:
    """Marks failed runs as needing no further action."""
    for run_id in run_ids:
        instance.add_run_tags(run_id, {UNRESOLVED_TAG: "false"})


def newest_by_partition(runs: Iterable[StudyRun], keys: Sequence[str], wanted: Collection[str]) -> dict[str, StudyRun]:
    """Partition → the last run that covered it, for the wanted partitions that any run covered.

    A successful run that did not write the index is skipped, because its studies are no closer to being indexed.

    Args:
        runs: newest first. Only as many are read as needed to find one for each wanted partition.
        keys: every partition, in Dagster's order.
    """
    positions = {key: position for position, key in enumerate(keys)}
    missing = {positions[key] for key in wanted if key in positions}
    found: dict[str, StudyRun] = {}
    if not missing:
        return found
    for run in runs:
        if (run.status == DagsterRunStatus.SUCCESS and not run.writes_index) or {run.start, run.end} - positions.keys():
            continue
        covered = range(positions[run.start], positions[run.end] + 1)
        taken = missing.intersection(covered)
        found.update((keys[position], run) for position in taken)
        missing -= taken
        if not missing:
            break
    return found


def runs_covering(runs: Iterable[StudyRun], keys: Sequence[str], partition: str, max_runs: int) -> list[StudyRun]:
    """The last runs that covered a partition, newest first."""
    positions = {key: position for position, key in enumerate(keys)}
    own = positions.get(partition)
    found: list[StudyRun] = []
    for run in runs:
        start, end = positions.get(run.start), positions.get(run.end)
        if own is not None and start is not None and end is not None and start <= own <= end:
            found.append(run)
        if len(found) == max_runs:
            break
    return found


def partitions_of(run: StudyRun, positions: Mapping[str, int], keys: Sequence[str]) -> Sequence[str]:
    """The partitions a run covers; none if its first or last one was removed."""
    if run.start not in positions or run.end not in positions:
        return ()
    return keys[positions[run.start] : positions[run.end] + 1]


def failure_sentence(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why a run failed, by its first failed step: medsearch errors in full, third-party errors by class only."""
    logged = instance.all_logs(run_id, of_type={DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE})
    events = [entry.dagster_event for entry in logged if entry.dagster_event]
    step = next((event for event in events if event.is_step_failure), None)
    if step is not None:
        return f"{step.step_key}: {_error_sentence(step.step_failure_data.error)}"
    return next((event.message for event in events if event.message), None) or "no error is recorded"


def _error_sentence(error: SerializableErrorInfo | None) -> str:
    while error and error.cause and error.cls_name in WRAPPERS:
        error = error.cause
    return safe_error_text(error.message, error.cls_name).rstrip(".") if error else "no error is recorded"
