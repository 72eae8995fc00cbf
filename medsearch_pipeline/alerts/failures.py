"""New failures in Dagster: runs, checks, sensors, schedules and freshness.

Belongs here: reading the instance, and the cursor of reported failures. Not here: delivery (`webhook`). The cursor holds the
last event of a failed run. For each check it holds which of the latest failures were seen, because a check's number is
assigned before it is evaluated. For ticks and freshness it holds what is failing now, which is reported again only after a
recovery.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterEventType
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.remote_origin import RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorType, TickStatus
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import WILL_RETRY_TAG
from dagster_shared.error import SerializableErrorInfo
from pydantic import BaseModel, ConfigDict

from medsearch_pipeline.alerts.alert import Alert, redact, safe_error_text

RUNS_PER_LOOK = 100
FAILURES_PER_CHECK = 50
WRAPPERS = ("DagsterExecutionStepExecutionError", "SensorExecutionError", "ScheduleExecutionError")
"""Dagster's wrappers around the original error."""


class AlertCursor(BaseModel):
    """The sensor's cursor: failures already reported.

    Args:
        runs: the last event of a failed run.
        checks: check → the numbers of the failures seen among its last `FAILURES_PER_CHECK`.
        freshness: stale asset → when it became stale.
        ticks: sensors and schedules whose last tick failed.
    """

    model_config = ConfigDict(frozen=True)

    runs: int = 0
    checks: dict[str, list[int]] = {}
    freshness: dict[str, float] = {}
    ticks: list[str] = []

    def with_check(self, name: str, failures: Sequence[int]) -> AlertCursor:
        """A copy with these failures of a check."""
        return self.model_copy(update={"checks": {**self.checks, name: sorted(failures)}})

    def with_freshness(self, asset: str, since: float | None) -> AlertCursor:
        """A copy with the asset stale since that time, or fresh (None)."""
        others = {name: at for name, at in self.freshness.items() if name != asset}
        return self.model_copy(update={"freshness": others if since is None else {**others, asset: since}})

    def with_tick(self, name: str, is_failing: bool) -> AlertCursor:
        """A copy that records whether the last tick of a sensor or schedule failed."""
        others = {other for other in self.ticks if other != name}
        return self.model_copy(update={"ticks": sorted(others | {name} if is_failing else others)})


PendingAlert = tuple[Alert | None, AlertCursor]
"""An alert (None if the event needs none) and the cursor to keep once it is delivered."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Finds the failures of one code location.

    Args:
        repository: of the code location; None in a process without one, which has no sensors.
        itself: the alert sensor, whose own failures cannot be reported.
        url: of Dagster's UI.
    """

    instance: dg.DagsterInstance
    repository: RemoteRepositoryOrigin | None
    checks: Sequence[dg.AssetCheckKey]
    assets: Sequence[dg.AssetKey]
    itself: str
    url: str

    def now(self) -> AlertCursor:
        """A cursor that counts all past failures as reported, so that a first tick reports only what still fails."""
        last = self.instance.fetch_run_status_changes(DagsterEventType.RUN_FAILURE, limit=1).records
        cursor = AlertCursor(runs=last[0].storage_id if last else 0)
        for key in self.checks:
            cursor = cursor.with_check(key.to_user_string(), [number for number, _ in self._failures_of(key)])
        return cursor

    def pending_alerts(self, cursor: AlertCursor) -> Iterator[PendingAlert]:
        """Every unreported failure, in a fixed order."""
        for look in (self._runs, self._checks, self._freshness, self._ticks):
            for alert, after in look(cursor):
                cursor = after
                yield alert, cursor

    def _runs(self, cursor: AlertCursor) -> Iterator[PendingAlert]:
        wanted = dg.RunStatusChangeRecordsFilter(DagsterEventType.RUN_FAILURE, after_storage_id=cursor.runs)
        for record in self.instance.fetch_run_status_changes(wanted, limit=RUNS_PER_LOOK, ascending=True).records:
            run = self.instance.get_run_by_id(record.run_id)
            cursor = cursor.model_copy(update={"runs": record.storage_id})
            yield (self._of_run(run) if run and self._is_ours(run) else None), cursor

    def _is_ours(self, run: dg.DagsterRun) -> bool:
        """Whether a run belongs to this code location and Dagster will not retry it."""
        origin = run.remote_job_origin
        is_here = (origin.repository_origin.get_selector() if origin else None) == (
            self.repository.get_selector() if self.repository else None
        )
        return is_here and run.tags.get(WILL_RETRY_TAG) != "true"

    def _of_run(self, run: dg.DagsterRun) -> Alert:
        failed = self.instance.all_logs(run.run_id, of_type={DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE})
        steps = [entry.dagster_event for entry in failed if entry.dagster_event and entry.dagster_event.is_step_failure]
        first = steps[0] if steps else None
        error = _raised(first.step_failure_data.error) if first else None
        why = f" in {first.step_key}" if first else " outside its steps"
        return Alert(
            id=f"run_failure/{run.run_id}",
            kind="run_failure",
            name=run.job_name,
            sentence=f"the run {run.run_id} of {run.job_name} failed{why}: {_error_text(error)}.",
            link=f"{self.url}/runs/{run.run_id}",
            run=run.run_id,
            counts={"failed_steps": len(steps)},
        )

    def _checks(self, cursor: AlertCursor) -> Iterator[PendingAlert]:
        for key in self.checks:
            name = key.to_user_string()
            failures = self._failures_of(key)
            held = {number for number, _ in failures}
            seen = {number for number in cursor.checks.get(name, []) if number in held}
            for number, alert in failures:
                if number not in seen:
                    seen.add(number)
                    cursor = cursor.with_check(name, list(seen))
                    yield alert, cursor

    def _failures_of(self, key: dg.AssetCheckKey) -> list[tuple[int, Alert | None]]:
        """The last failures of a check, oldest first; the alert is None for warnings."""
        records = self.instance.event_log_storage.get_asset_check_execution_history(
            key, limit=FAILURES_PER_CHECK, status={AssetCheckExecutionRecordStatus.FAILED}
        )
        found: list[tuple[int, Alert | None]] = []
        for record in reversed(records):
            evaluation = record.evaluation
            is_error = evaluation and evaluation.severity == dg.AssetCheckSeverity.ERROR
            alert = self._of_check(key, record.id, record.run_id, evaluation) if evaluation and is_error else None
            found.append((record.id, alert))
        return found

    def _of_check(self, key: dg.AssetCheckKey, number: int, run: str, evaluation: dg.AssetCheckEvaluation) -> Alert:
        asset = key.asset_key.to_user_string()
        description = redact(evaluation.description or "")
        return Alert(
            id=f"check_failure/{key.to_user_string()}/{number}",
            kind="check_failure",
            name=key.to_user_string(),
            sentence=f"the check {key.name} of {asset} failed{f': {description}' if description else ''}.",
            link=f"{self.url}/runs/{run}",
            run=run,
            counts={
                name: value.value
                for name, value in evaluation.metadata.items()
                if isinstance(value, (dg.IntMetadataValue, dg.FloatMetadataValue)) and value.value is not None
            },
        )

    def _freshness(self, cursor: AlertCursor) -> Iterator[PendingAlert]:
        states = self.instance.get_freshness_state_records(self.assets)
        for key in self.assets:
            asset, state = key.to_user_string(), states.get(key)
            is_stale = state is not None and state.freshness_state == FreshnessState.FAIL
            since = state.updated_at.timestamp() if state and is_stale else None
            if since != cursor.freshness.get(asset):
                cursor = cursor.with_freshness(asset, since)
                yield (self._of_freshness(asset, since) if since else None), cursor

    def _of_freshness(self, asset: str, since: float) -> Alert:
        return Alert(
            id=f"freshness_failure/{asset}/{since:.0f}",
            kind="freshness_failure",
            name=asset,
            sentence=f"{asset} was not refreshed within the time that its freshness policy allows.",
            link=f"{self.url}/assets/{asset}",
        )

    def _ticks(self, cursor: AlertCursor) -> Iterator[PendingAlert]:
        if self.repository is None:
            return
        for state in self.instance.all_instigator_state(repository_selector_id=self.repository.get_selector_id()):
            if state.name == self.itself:
                continue
            ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
            ticks = self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=ended)
            is_failing = bool(ticks) and ticks[0].status == TickStatus.FAILURE
            if is_failing != (state.name in cursor.ticks):
                cursor = cursor.with_tick(state.name, is_failing)
                kind = "sensor" if state.instigator_type == InstigatorType.SENSOR else "schedule"
                yield (self._of_tick(state.name, kind, ticks[0].timestamp, ticks[0].error) if is_failing else None), cursor

    def _of_tick(self, name: str, kind: str, at: float, error: SerializableErrorInfo | None) -> Alert:
        place = self.repository.get_label() if self.repository else ""
        return Alert(
            id=f"tick_failure/{name}/{at:.0f}",
            kind="tick_failure",
            name=name,
            sentence=f"the {kind} {name} fails: {_error_text(_raised(error))}.",
            link=f"{self.url}/locations/{place}/{kind}s/{name}",
        )


def _raised(error: SerializableErrorInfo | None) -> SerializableErrorInfo | None:
    """The original error, without Dagster's wrappers."""
    while error and error.cause and error.cls_name in WRAPPERS:
        error = error.cause
    return error


def _error_text(error: SerializableErrorInfo | None) -> str:
    return safe_error_text(error.message, error.cls_name).rstrip(".") if error else "no error is recorded"
