"""What a task that ECS stopped, or would not start, says about its step: start it again, or let it fail. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_aws.ecs.utils import is_transient_task_stopped_reason

TAKEN_AWAY = ("SpotInterruption", "TerminationNotice", "InfrastructureHealth")
"""Stop codes of tasks whose machine ECS takes back or loses, as the Task of the Amazon ECS API Reference lists them."""

NO_ROOM = (
    "RESOURCE:",
    "Failure reason: AGENT",
    "Capacity is unavailable",
    "NO ACTIVE INSTANCES",
    "EMPTY CAPACITY PROVIDER",
    "ThrottlingException",
)
"""What RunTask's failures and stopped tasks say where there was no place: `API failure reasons` of the same reference."""


def has_no_room(reason: str) -> bool:
    """Whether ECS says that there is no place for a task now; there may be one later."""
    return any(sign in reason for sign in NO_ROOM)


def is_to_start_again(task: Mapping[str, Any]) -> bool:
    """Whether a step whose stopped task left no word is to be started again.

    So it is where its machine was taken away, or where it never started for want of room or of the network. A process that
    ended by itself (a crash, the memory used up) would end so again, and what a person stopped is to stay stopped.

    Args:
        task: as DescribeTasks tells it.
    """
    code, reason = task.get("stopCode"), str(task.get("stoppedReason", ""))
    if code in TAKEN_AWAY or reason.startswith("Host EC2"):
        return True
    return code == "TaskFailedToStart" and (has_no_room(reason) or is_transient_task_stopped_reason(reason))


def account_of(task: Mapping[str, Any]) -> str:
    """One line of what happened to a stopped task."""
    codes = {c.get("name"): c["exitCode"] for c in task.get("containers", ()) if c.get("exitCode") is not None}
    ended = "".join(f"; container {name} ended with {code}" for name, code in codes.items())
    return f"task {task.get('taskArn')} stopped: {task.get('stopCode')}, {task.get('stoppedReason')}{ended}"
