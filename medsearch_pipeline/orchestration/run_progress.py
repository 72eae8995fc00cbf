"""A run's progress: the messages that its steps log, and reading them while it runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from medsearch_pipeline.orchestration.run_tags import UNFINISHED

PAGE = 1000
_MESSAGE = re.compile(r"(\w+): (\d+) of (\d+) studies, [\d.]+ studies/s")


@dataclass(frozen=True)
class RunProgress:
    """A run's progress.

    Attributes:
        asset: The last asset that logged progress; empty before the first.
        done, total: Its finished studies, and all of its studies.
    """

    status: dg.DagsterRunStatus
    asset: str = ""
    done: int = 0
    total: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.status not in UNFINISHED


def progress_message(asset: str, done: int, total: int, rate: float) -> str:
    """A step's progress as a log message."""
    return f"{asset}: {done} of {total} studies, {rate:.1f} studies/s"


def read_progress(message: str) -> tuple[str, int, int] | None:
    """Asset, studies done and all studies of a message as `progress_message` writes it; None for any other."""
    found = _MESSAGE.fullmatch(message)
    return (found[1], int(found[2]), int(found[3])) if found else None


def follow_run(
    instance: dg.DagsterInstance, run_id: str, show: Callable[[RunProgress], None], pause: Callable[[], None]
) -> dg.DagsterRunStatus:
    """Shows a run's progress until it ends; returns its final status.

    Args:
        pause: waits before the next poll.
    """
    cursor, last = None, ("", 0, 0)
    while True:
        run = instance.get_run_by_id(run_id)
        if run is None:
            return dg.DagsterRunStatus.CANCELED  # it was deleted
        page = instance.get_records_for_run(run_id, cursor, limit=PAGE)
        cursor = page.cursor
        for record in page.records:
            last = read_progress(record.event_log_entry.user_message) or last
        progress = RunProgress(run.status, *last)
        show(progress)
        if progress.is_over:
            return run.status
        if not page.has_more:
            pause()
