"""`upkeep_sensor`: after each ledger, requests runs of the smallest jobs for stale studies. The decisions are in `upkeep`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice

import dagster as dg

from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import pending
from medsearch_pipeline.jobs import UPKEEP_JOBS
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.models.availability import availability
from medsearch_pipeline.orchestration.jobs import build_jobs
from medsearch_pipeline.orchestration.partitions import NAME, Partitions
from medsearch_pipeline.orchestration.run_tags import HIDDEN, UNFINISHED, partition_span, range_tags, settings_tags
from medsearch_pipeline.resources import SearchIndexSource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.settings_digest import settings_digest
from medsearch_pipeline.upkeep.planning import (
    PlanCursor,
    PlannedRun,
    assess_staleness,
    explain_unplanned,
    format_summary,
    plan_runs,
)

UPKEEP_TAG = f"{HIDDEN}upkeep"
NEED_MODEL = ("ingest_job", "reembed_job")
MODEL_SECONDS = 15.0
"""How long a tick waits for the model's availability."""


def build_upkeep_sensor(settings: Settings) -> dg.SensorDefinition:
    """The `upkeep_sensor` of a deployment."""

    @dg.sensor(
        jobs=[job for job in build_jobs() if job.name in UPKEEP_JOBS],
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus[settings.sensors.upper()],
        description="After each ledger, requests runs for exactly the stale studies, each of the smallest job, a few at once.",
    )
    def upkeep_sensor(
        context: dg.SensorEvaluationContext,
        warehouse: WarehouseResource,
        search_index: dg.ResourceParam[SearchIndexSource],
    ) -> dg.SensorResult | dg.SkipReason:
        instance = context.instance
        ledger = _last_ledger(instance)
        if ledger is None:
            return dg.SkipReason("there is no ledger yet: launch ledger_job in Dagster's UI, or wait for ledger_schedule")
        done, after = _read_cursor(context.cursor, ledger)
        if done:
            return dg.SkipReason(f"ledger {ledger[:8]} is done: waiting for the next ledger")
        unfinished = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        since = instance.get_runs(dg.RunsFilter(updated_after=_created_at(instance, ledger)))
        free = settings.max_runs_in_flight - sum(UPKEEP_TAG in run.tags for run in unfinished)
        if free <= 0:
            return dg.SkipReason(f"{settings.max_runs_in_flight} runs of upkeep are unfinished: further runs wait for them")
        tables = Warehouse(warehouse.open())
        inputs, staleness = assess_staleness(settings, tables, search_index.open())
        if any(each.job in NEED_MODEL for each in staleness.stale):
            model = availability(settings, MODEL_SECONDS)
            if model is None:
                return dg.SkipReason("the model's weights are being loaded or downloaded: the next tick checks again")
            if not model.is_available:
                return dg.SkipReason(
                    f"{format_summary(staleness)}; they wait for the model; no run is requested: {model.sentence}"
                )
        dispatched = pending.read(tables) or pending.State()
        keys = instance.get_dynamic_partitions(NAME)
        running, ended = _spans(unfinished), _spans(since)
        waiting = {row.study for row in dispatched.rows}
        planned = plan_runs(
            staleness,
            keys,
            [*running.values(), *ended.values(), *((study.partition, study.partition) for study in waiting)],
            max_partitions=settings.max_partitions_per_run,
            may_index=inputs.index_refusal is None,
            after=after,
        )
        chosen = list(islice(planned, free))
        rest = next(planned, None)
        skipped = explain_unplanned(
            staleness, keys, pending=waiting, running=running, ended=ended, may_index=inputs.index_refusal is None
        )
        message = _format_summary(format_summary(staleness), chosen, skipped, rest is not None, inputs.index_refusal)
        if malformed := Partitions.of(keys).malformed:
            message += f"; partitions that name no study, which the next inventory removes: {', '.join(malformed)}"
        context.log.info(message)
        reached = PlanCursor(chosen[-1].job, chosen[-1].last) if chosen else after
        cursor = json.dumps({"ledger": ledger, "done": rest is None, "after": asdict(reached) if reached else None})
        if not chosen:
            return dg.SensorResult(skip_reason=message, cursor=cursor)
        digest = settings_digest(settings)
        return dg.SensorResult(run_requests=[_request(each, ledger, digest) for each in chosen], cursor=cursor)

    return upkeep_sensor


def _last_ledger(instance: dg.DagsterInstance) -> str | None:
    """The run that last materialized the ledger."""
    event = instance.get_latest_materialization_event(dg.AssetKey("ledger"))
    return event.run_id if event else None


def _created_at(instance: dg.DagsterInstance, ledger: str) -> datetime:
    """When the run of a ledger was created. The ledger does not reflect studies that other runs processed since."""
    record = instance.get_run_record_by_id(ledger)
    return record.create_timestamp if record else datetime.now(UTC)


def _spans(runs: Sequence[dg.DagsterRun]) -> dict[str, tuple[str, str]]:
    """Run → its first and last partition."""
    return {run.run_id: span for run in runs if (span := partition_span(run))}


def _read_cursor(cursor: str | None, ledger: str) -> tuple[bool, PlanCursor | None]:
    """Whether this ledger is done, and otherwise where its requests stopped."""
    held = json.loads(cursor) if cursor else {}
    if held.get("ledger") != ledger:
        return False, None
    return held["done"], PlanCursor(**held["after"]) if held["after"] else None


def _request(each: PlannedRun, ledger: str, digest: str) -> dg.RunRequest:
    return dg.RunRequest(
        job_name=each.job,
        run_key=f"upkeep-{ledger}-{each.job}-{each.start}",
        asset_selection=[dg.AssetKey(asset) for asset in each.assets],
        tags={**range_tags(each.start, each.end, each.studies), **settings_tags(digest), UPKEEP_TAG: ledger},
    )


def _format_summary(
    staleness_summary: str,
    chosen: Sequence[PlannedRun],
    skipped: Sequence[str],
    is_more: bool,
    index_refusal: str | None,
) -> str:
    parts = [staleness_summary]
    for job in UPKEEP_JOBS:
        of = [each for each in chosen if each.job == job]
        if of:
            studies, along = sum(each.studies for each in of), sum(each.partitions - each.studies for each in of)
            passing = f", including {along} up to date between them" if along else ""
            parts.append(f"requested {counted(len(of), 'run')} of {job} for {counted(studies, 'study')}{passing}")
    if not chosen:
        parts.append("requested nothing")
    if skipped:
        parts.append(f"left out: {', '.join(skipped)}")
    if is_more:
        parts.append("more follow when these finish")
    if index_refusal:
        parts.append(index_refusal)
    return "; ".join(parts)
