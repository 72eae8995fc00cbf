"""Whether a step is restarted or fails after ECS stopped its task or could not start it. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_aws.ecs.utils import is_transient_task_stopped_reason

TAKEN_AWAY = ("SpotInterruption", "TerminationNotice", "InfrastructureHealth")
"""Stop codes of tasks whose machine ECS reclaims or loses (Amazon ECS API Reference, Task)."""

NO_ROOM = (
    "RESOURCE:",
    "Failure reason: AGENT",
    "Capacity is unavailable",
    "NO ACTIVE INSTANCES",
    "EMPTY CAPACITY PROVIDER",
    "ThrottlingException",
)
"""Failure texts for missing capacity (same reference, "API failure reasons")."""


def has_no_room(reason: str) -> bool:
    """Whether ECS reports that it has no capacity for a task now; it may have some later."""
    return any(sign in reason for sign in NO_ROOM)


def is_to_start_again(task: Mapping[str, Any]) -> bool:
    """Whether to restart a step whose task stopped without reporting an outcome.

    It is restarted if its machine was reclaimed, or if it never started for lack of capacity or network. A process that ended
    by itself (a crash, out of memory) would end the same way again, and a task that a person stopped stays stopped.

    Args:
        task: as DescribeTasks returns it.
    """
    code, reason = task.get("stopCode"), str(task.get("stoppedReason", ""))
    if code in TAKEN_AWAY or reason.startswith("Host EC2"):
        return True
    return code == "TaskFailedToStart" and (has_no_room(reason) or is_transient_task_stopped_reason(reason))


def account_of(task: Mapping[str, Any]) -> str:
    """One line that says why a task stopped."""
    codes = {c.get("name"): c["exitCode"] for c in task.get("containers", ()) if c.get("exitCode") is not None}
    ended = "".join(f"; container {name} ended with {code}" for name, code in codes.items())
    return f"task {task.get('taskArn')} stopped: {task.get('stopCode')}, {task.get('stoppedReason')}{ended}"
