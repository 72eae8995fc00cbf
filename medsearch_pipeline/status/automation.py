"""Sensors and schedules: on or off, and the result of their last tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick, TickStatus

from medsearch_pipeline.alerts.alert import redact
from medsearch_pipeline.jobs import JOBS
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.settings import Settings


@dataclass(frozen=True)
class Automation:
    """One sensor or schedule.

    Attributes:
        is_on: Whether Dagster's daemon evaluates it.
        last_tick: When it was last evaluated; None if it never was.
        outcome: The status of that tick: `success`, `skipped`, `failure`; empty if there was none.
        message: Why it requested nothing, or how many runs it requested.
    """

    name: str
    is_on: bool
    last_tick: datetime | None = None
    outcome: str = ""
    message: str = ""


def automation_names(settings: Settings) -> list[str]:
    """The sensors and schedules of a deployment."""
    optional = {"events_sensor": settings.events_queue, "alert_sensor": settings.alert_webhook}
    sensors = ["landing_sensor", "ingest_sensor", "upkeep_sensor", *(name for name, is_wanted in optional.items() if is_wanted)]
    return [*sensors, *(job.schedule for job in JOBS if job.schedule)]


def read_automation(settings: Settings, instance: dg.DagsterInstance) -> list[Automation]:
    """Every sensor and schedule in Dagster's storage."""
    states: Mapping[str, list[InstigatorState]] = {}
    for state in instance.all_instigator_state():
        states.setdefault(state.name, []).append(state)  # type: ignore[attr-defined]
    return [_read_one(settings, instance, name, states.get(name, [])) for name in automation_names(settings)]


def _read_one(settings: Settings, instance: dg.DagsterInstance, name: str, states: list[InstigatorState]) -> Automation:
    ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
    ticks: list[tuple[InstigatorTick, InstigatorState]] = []
    for state in states:
        found = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=ended)
        ticks += [(tick, state) for tick in found]
    if not ticks:
        is_on = any(state.is_running for state in states) if states else settings.sensors == "running"
        return Automation(name, is_on)
    tick, state = max(ticks, key=lambda each: each[0].timestamp)
    return Automation(
        name, state.is_running, datetime.fromtimestamp(tick.timestamp, UTC), tick.status.value.lower(), _message_of(tick)
    )


def _message_of(tick: InstigatorTick) -> str:
    if tick.error:
        return tick.error.cls_name or "an error"
    if tick.skip_reason:
        return redact(tick.skip_reason)
    return f"{counted(tick.requested_job_run_count, 'run')} requested" if tick.run_keys or tick.run_ids else ""
