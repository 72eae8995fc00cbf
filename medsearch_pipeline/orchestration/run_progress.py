"""How far a run is: what its steps log of it, and reading that as the run goes on."""

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
    """How far a run is.

    Attributes:
        asset: The last asset that said how far it is; empty before the first.
        done, total: Its studies that are done, and all that it has to work on.
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
    """How far a step is, as it logs it."""
    return f"{asset}: {done} of {total} studies, {rate:.1f} studies/s"


def read_progress(message: str) -> tuple[str, int, int] | None:
    """Asset, studies done and all studies of a message as `progress_message` writes it; None for any other."""
    found = _MESSAGE.fullmatch(message)
    return (found[1], int(found[2]), int(found[3])) if found else None


def follow_run(
    instance: dg.DagsterInstance, run_id: str, show: Callable[[RunProgress], None], pause: Callable[[], None]
) -> dg.DagsterRunStatus:
    """Shows how far a run is until it has ended; returns how it ended.

    Args:
        pause: waits until it is worth looking again.
    """
    cursor, last = None, ("", 0, 0)
    while True:
        run = instance.get_run_by_id(run_id)
        if run is None:
            return dg.DagsterRunStatus.CANCELED  # somebody deleted it
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
