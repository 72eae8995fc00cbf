"""Whether Dagster's daemon runs: without it no sensor is evaluated, and no queued run starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._daemon.controller import get_daemon_statuses

from medsearch_pipeline.orchestration.dagster_home import stopped_at

TOLERANCE_SECONDS = 120
"""A daemon sends a heartbeat every 30 s."""


@dataclass(frozen=True)
class DaemonHealth:
    """The daemon of an instance.

    Attributes:
        silent: Its required parts that do not run.
        is_stopped: Whether none of them runs.
        last_heartbeat: None if it never ran.
    """

    silent: Sequence[str]
    is_stopped: bool
    last_heartbeat: datetime | None


def daemon_health(instance: dg.DagsterInstance, home: str) -> DaemonHealth:
    """The daemon's health by its heartbeats, the last of which count no longer once its supervisor has stopped.

    Args:
        home: DAGSTER_HOME.
    """
    required = instance.get_required_daemon_types()
    statuses = get_daemon_statuses(instance, required, ignore_errors=True, heartbeat_tolerance_seconds=TOLERANCE_SECONDS)
    heartbeats = {name: status.last_heartbeat.timestamp for name, status in statuses.items() if status.last_heartbeat}
    stopped = stopped_at(Path(home)) or 0.0
    silent = sorted(name for name, status in statuses.items() if not status.healthy or heartbeats[name] <= stopped)
    last = max(heartbeats.values(), default=None)
    return DaemonHealth(silent, len(silent) == len(required), datetime.fromtimestamp(last, UTC) if last else None)
