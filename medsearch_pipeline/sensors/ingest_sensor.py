"""`ingest_sensor`: requests runs of `ingest_job` for the journal's changes. The decisions are in `intake.dispatch`."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import dagster as dg

from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.intake.dispatch import (
    MAX_GAP,
    DispatchPlan,
    PartitionRange,
    SettleLimits,
    merge_entries,
    plan_dispatch,
    remaining,
    requeue,
)
from medsearch_pipeline.intake.failed_runs import FailedRuns, judge_failed_runs
from medsearch_pipeline.intake.study_runs import (
    failure_sentence,
    newest_by_partition,
    newest_runs,
    resolve,
    unresolved_failures,
)
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.models.availability import Availability, availability
from medsearch_pipeline.orchestration.partitions import NAME, Partitions, register
from medsearch_pipeline.orchestration.run_tags import (
    HIDDEN,
    PRIORITY_TAG,
    RUN_KEY_TAG,
    UNFINISHED,
    partition_span,
    range_tags,
    settings_tags,
)
from medsearch_pipeline.resources import WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.settings_digest import settings_digest

JOB = "ingest_job"
TICK_TAG = f"{HIDDEN}tick"
WILL_RETRY_TAG, RETRIED_TAG, AGAIN_TAG = "dagster/will_retry", "dagster/auto_retry_run_id", f"{HIDDEN}dispatched_again"
RETRY_TIME = timedelta(seconds=60)
"""How long Dagster may take to retry a run that died."""
READERS = 16
MAX_LOGGED = 20
MODEL_SECONDS = 15.0
"""How long a tick waits for the model's availability. Loading continues, and the next tick checks again."""
MAX_FAILED_RUNS, MAX_NAMED_RUNS = 200, 3
"""Failed runs that a tick judges, and those it names."""


def build_ingest_sensor(settings: Settings) -> dg.SensorDefinition:
    """The `ingest_sensor` of a deployment."""
    limits = SettleLimits(timedelta(seconds=settings.settle_seconds), timedelta(seconds=settings.max_wait_seconds))

    @dg.sensor(
        job_name=JOB,
        minimum_interval_seconds=settings.dispatch_interval_seconds,
        default_status=dg.DefaultSensorStatus[settings.sensors.upper()],
        description="Ingests new and changed studies once they have settled, in ranges and a few runs at a time.",
    )
    def ingest_sensor(context: dg.SensorEvaluationContext, warehouse: WarehouseResource) -> dg.SensorResult:
        tables, instance, now = Warehouse(warehouse.open()), context.instance, datetime.now(UTC)
        last = pending.read(tables)
        before = last or pending.State()
        names = journal.names(tables)
        unretried = _unretried_runs(instance, now)
        digest = settings_digest(settings)
        failures = _failed_runs(instance, digest)
        rows = merge_entries(remaining(before.rows, _launched(instance, before)), _entries(tables, names, before.taken))
        again = [*_studies_of(instance, unretried), *Partitions.of(failures.retry).studies]
        rows = requeue(rows, again, now - limits.settle)
        due = [row for row in rows if limits.is_due(row, now)]
        model = availability(settings, MODEL_SECONDS) if due else None
        may_run = model is not None and model.is_available
        unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) if may_run else []
        free = settings.max_runs_in_flight - sum(TICK_TAG in run.tags for run in unfinished)
        token = uuid.uuid4().hex[:12]
        done = DispatchPlan([], rows, 0, len(due) if may_run else 0)
        if may_run and free > 0:
            known = instance.get_dynamic_partitions(NAME)
            new = register(instance, [row.study for row in due], known)
            done = plan_dispatch(
                rows,
                due,
                [*known, *new],
                [worked_on for run in unfinished if (worked_on := partition_span(run))],
                token=token,
                free=free,
                max_gap=MAX_GAP,
                max_partitions=settings.max_partitions_per_run,
            )
        after = pending.State(tuple(done.pending), before.taken.union(names).intersection(names))
        if after != last:
            pending.write(tables, after)
        for run in unretried:
            instance.add_run_tags(run.run_id, {AGAIN_TAG: "true"})
        resolve(instance, failures.resolved)
        obstacles = [_model_sentence(len(due), model)] if due and not may_run else []
        obstacles += _failure_sentences(instance, failures)
        message = _format_summary(done, len(rows) - len(due), settings, obstacles)
        for each in done.ranges:
            shown = ", ".join(study.partition for study in each.studies[:MAX_LOGGED])
            context.log.info(f"{each.run_key}: {len(each.studies)} studies in {each.partitions} partitions: {shown}")
        context.log.info(message)
        if not done.ranges:
            return dg.SensorResult(skip_reason=message)
        return dg.SensorResult(run_requests=[_request(span, token, digest) for span in done.ranges])

    return ingest_sensor


def _launched(instance: dg.DagsterInstance, state: pending.State) -> set[str]:
    """The run keys of pending studies that have a run."""
    tokens = {row.run_key.split("-")[1] for row in state.rows if row.run_key}
    runs = [run for token in tokens for run in instance.get_runs(dg.RunsFilter(tags={TICK_TAG: token}))]
    return {run.tags[RUN_KEY_TAG] for run in runs if RUN_KEY_TAG in run.tags}


def _unretried_runs(instance: dg.DagsterInstance, now: datetime) -> list[dg.DagsterRun]:
    """This sensor's runs that died and that Dagster should have retried, but did not.

    Dagster skips a failed run whose status is not yet written when it sees the event, and never checks it again.
    """
    died = dg.RunsFilter(
        job_name=JOB,
        statuses=[dg.DagsterRunStatus.FAILURE],
        tags={WILL_RETRY_TAG: "true"},
        updated_before=now - RETRY_TIME,
    )
    done = (RETRIED_TAG, AGAIN_TAG)
    return [run for run in instance.get_runs(died) if TICK_TAG in run.tags and not any(tag in run.tags for tag in done)]


def _studies_of(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]) -> list[StudyKey]:
    """The studies of runs."""
    if not runs:
        return []
    keys = instance.get_dynamic_partitions(NAME)
    spans = [span for run in runs if (span := partition_span(run)) and span[0] in keys and span[1] in keys]
    worked_on = (key for start, end in spans for key in keys[keys.index(start) : keys.index(end) + 1])
    return list(Partitions.of(worked_on).studies)


def _failed_runs(instance: dg.DagsterInstance, digest: str) -> FailedRuns:
    """Decisions about failed runs that were not retried."""
    failed = unresolved_failures(instance, MAX_FAILED_RUNS)
    if not failed:
        return FailedRuns([], {}, [])
    keys = instance.get_dynamic_partitions(NAME)
    newest = newest_by_partition(newest_runs(instance), keys, keys)
    return judge_failed_runs(failed, newest, keys, digest)


def _entries(tables: Warehouse, names: Sequence[str], taken: frozenset[str]) -> list[journal.Entry]:
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda name: _entry(tables, name), (name for name in names if name not in taken))
        return [entry for entry in found if entry]


def _entry(tables: Warehouse, name: str) -> journal.Entry | None:
    """An entry; None if it was deleted since it was listed. It expired, and the ledger finds its studies."""
    try:
        return journal.read(tables, name)
    except ObjectNotFound:
        return None


def _request(span: PartitionRange, token: str, digest: str) -> dg.RunRequest:
    return dg.RunRequest(
        job_name=JOB,
        run_key=span.run_key,
        tags={
            **range_tags(span.start, span.end, len(span.studies)),
            **settings_tags(digest),
            TICK_TAG: token,
            PRIORITY_TAG: "1",  # new studies go before the runs of a backfill
        },
    )


def _model_sentence(studies: int, model: Availability | None) -> str:
    waiting = counted(studies, "study")
    if model is None:
        return f"waiting for the model's weights, which are being loaded or downloaded: {waiting}; the next tick checks again"
    return f"waiting for the model: {waiting}; no run is requested: {model.sentence}"


def _failure_sentences(instance: dg.DagsterInstance, failures: FailedRuns) -> list[str]:
    """How many studies wait in each failed run, and why it failed."""
    named = list(failures.held.items())[:MAX_NAMED_RUNS]
    parts = [
        f"in the failed run {run.id} ({failure_sentence(instance, run.id)}): {counted(len(keys), 'study')}, retried "
        "when the settings change, or by medsearch ingest"
        for run, keys in named
    ]
    others = len(failures.held) - len(named)
    return [*parts, f"{counted(others, 'more failed run')}: medsearch status lists them"] if others else parts


def _format_summary(done: DispatchPlan, resting: int, settings: Settings, obstacles: Sequence[str]) -> str:
    studies = sum(len(span.studies) for span in done.ranges)
    parts = list(obstacles)
    parts += [f"requested {counted(len(done.ranges), 'run')} for {counted(studies, 'study')}"] if done.ranges else []
    if resting:
        parts.append(f"settling ({settings.settle_seconds} s without changes): {counted(resting, 'study')}")
    if done.busy:
        parts.append(f"waiting for the run that processes them: {done.busy}")
    if done.without_free_run:
        parts.append(f"waiting for a free run ({settings.max_runs_in_flight} at a time): {done.without_free_run}")
    return "; ".join(parts) or "no study changed"
