"""What failed in Dagster since the last look: runs, checks, sensors and schedules, freshness.

Belongs here: reading the instance and the cursor that says what was told already. Not here: telling it (`webhook`). Of runs the
cursor holds the last event seen; of checks those among each one's last failures that were seen, since a check's number is given
before it is evaluated; of ticks and freshness what is failing now, told again only after it was well in between.
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
"""Dagster's errors around the one that was raised."""


class AlertCursor(BaseModel):
    """What was told already: the sensor's cursor.

    Args:
        runs: the last event of a failed run.
        checks: check → the numbers of its failures seen, of its last `FAILURES_PER_CHECK`.
        freshness: asset → when it became stale, while it is.
        ticks: sensors and schedules whose last tick failed.
    """

    model_config = ConfigDict(frozen=True)

    runs: int = 0
    checks: dict[str, list[int]] = {}
    freshness: dict[str, float] = {}
    ticks: list[str] = []

    def with_check(self, name: str, failures: Sequence[int]) -> AlertCursor:
        """The same with these failures of a check."""
        return self.model_copy(update={"checks": {**self.checks, name: sorted(failures)}})

    def with_freshness(self, asset: str, since: float | None) -> AlertCursor:
        """The same with an asset that is stale since then, or is not."""
        others = {name: at for name, at in self.freshness.items() if name != asset}
        return self.model_copy(update={"freshness": others if since is None else {**others, asset: since}})

    def with_tick(self, name: str, is_failing: bool) -> AlertCursor:
        """The same with a sensor or schedule whose last tick failed or did not."""
        others = {other for other in self.ticks if other != name}
        return self.model_copy(update={"ticks": sorted(others | {name} if is_failing else others)})


PendingAlert = tuple[Alert | None, AlertCursor]
"""An alert, or None for what needs none, and what is told once it went out."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Looks for failures of one code location.

    Args:
        repository: the code location's; None in a process without one, where there are no sensors to look at.
        itself: the sensor that looks, whose own failures no webhook can be told.
        url: of Dagster's UI.
    """

    instance: dg.DagsterInstance
    repository: RemoteRepositoryOrigin | None
    checks: Sequence[dg.AssetCheckKey]
    assets: Sequence[dg.AssetKey]
    itself: str
    url: str

    def now(self) -> AlertCursor:
        """Everything that has failed up to now, as told: a first look tells nothing of the past but what is failing still."""
        last = self.instance.fetch_run_status_changes(DagsterEventType.RUN_FAILURE, limit=1).records
        cursor = AlertCursor(runs=last[0].storage_id if last else 0)
        for key in self.checks:
            cursor = cursor.with_check(key.to_user_string(), [number for number, _ in self._failures_of(key)])
        return cursor

    def pending_alerts(self, cursor: AlertCursor) -> Iterator[PendingAlert]:
        """Every failure that was not told, in a fixed order."""
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
        """Whether a run is of this code location, and Dagster does not start it again of itself."""
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
        """The last failures of a check, oldest first; None for those that only warn."""
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
            sentence=f"{asset} was not brought up to date for longer than its freshness policy allows.",
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
    """The error that was raised, without Dagster's around it."""
    while error and error.cause and error.cls_name in WRAPPERS:
        error = error.cause
    return error


def _error_text(error: SerializableErrorInfo | None) -> str:
    return safe_error_text(error.message, error.cls_name).rstrip(".") if error else "no error is recorded"
