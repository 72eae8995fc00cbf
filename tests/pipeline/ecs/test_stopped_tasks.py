"""What ECS tells of a task that is over decides whether its step is started again."""

from __future__ import annotations

from typing import Any

import pytest

from medsearch_pipeline.ecs.stopped_tasks import account_of, has_no_room, is_to_start_again


def stopped(code: str | None, reason: str, exit_code: int | None = None) -> dict[str, Any]:
    container = {"name": "pipeline"} | ({} if exit_code is None else {"exitCode": exit_code})
    told = {"taskArn": "arn:task", "lastStatus": "STOPPED", "stoppedReason": reason, "containers": [container]}
    return told | ({"stopCode": code} if code else {})


@pytest.mark.parametrize(
    ("task", "is_again"),
    [
        (stopped("SpotInterruption", "Your Spot Task was interrupted.", 143), True),
        (stopped("SpotInterruption", "Your Spot Task was interrupted.", 137), True),
        (stopped("TerminationNotice", "Host EC2 (instance i-0) terminated."), True),
        (stopped(None, "Host EC2 (instance i-0) stopped."), True),
        (stopped("InfrastructureHealth", "Task unhealthy"), True),
        (stopped("TaskFailedToStart", "RESOURCE:GPU"), True),
        (stopped("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete."), True),
        (
            stopped("TaskFailedToStart", "CannotPullContainerError: pull image manifest: not found"),
            False,
        ),
        (stopped("EssentialContainerExited", "Essential container in task exited", 1), False),
        (stopped("EssentialContainerExited", "OutOfMemoryError: Container killed due to memory usage", 137), False),
        (stopped("UserInitiated", "Task stopped by user", 143), False),
    ],
)
def test_what_was_taken_away_is_started_again_and_what_ended_by_itself_is_not(task: dict[str, Any], is_again: bool) -> None:
    assert is_to_start_again(task) is is_again


@pytest.mark.parametrize(
    ("told", "is_so"),
    [
        ("Task arn:c failed. Failure reason: RESOURCE:GPU", True),
        ("Task failed. Failure reason: Capacity is unavailable at this time. Please try again later", True),
        ("An error occurred (ThrottlingException) when calling the RunTask operation: Rate exceeded", True),
        ("Task arn:c failed. Failure reason: ATTRIBUTE", False),
        ("An error occurred (AccessDeniedException) when calling the RunTask operation", False),
    ],
)
def test_no_room_is_told_from_a_request_that_can_never_work(told: str, is_so: bool) -> None:
    assert has_no_room(told) is is_so


def test_its_account_is_one_line() -> None:
    task = stopped("SpotInterruption", "Your Spot Task was interrupted.", 143)
    assert account_of(task) == (
        "task arn:task stopped: SpotInterruption, Your Spot Task was interrupted.; container pipeline ended with 143"
    )
