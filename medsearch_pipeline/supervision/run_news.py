"""What happens while `medsearch up` serves: a line when a run over studies begins, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from medsearch_pipeline.intake.study_runs import failure_sentence
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.orchestration.run_tags import STUDIES_TAG, partition_span

SHORT_ID = 8
OVERLAP = timedelta(minutes=1)
"""Runs are read again from this long before the newest change: transactions end in another order than they began."""


class RunNews:
    """The runs over studies that begin or end after a point in time."""

    def __init__(self, instance: dg.DagsterInstance, since: datetime) -> None:
        self._instance = instance
        self._since = self._newest = since
        self._told: set[tuple[str, bool]] = set()

    def lines(self) -> Iterator[str]:
        """A line for each beginning and end since the last call, in the order of the runs' last changes."""
        records = self._instance.get_run_records(dg.RunsFilter(updated_after=self._newest - OVERLAP))
        for record in sorted(records, key=lambda record: record.update_timestamp):
            self._newest = max(self._newest, record.update_timestamp.replace(tzinfo=UTC))
            if partition_span(record.dagster_run) is None:
                continue
            for is_end, time in ((False, record.start_time), (True, record.end_time)):
                event = (record.dagster_run.run_id, is_end)
                if time and time >= self._since.timestamp() and event not in self._told:
                    self._told.add(event)
                    yield self._line(record, is_end, time)

    def _line(self, record: dg.RunRecord, is_end: bool, time: float) -> str:
        run = record.dagster_run
        clock = datetime.fromtimestamp(time, UTC).astimezone().strftime("%H:%M:%S")
        name = f"{clock}  run {run.run_id[:SHORT_ID]} of {run.job_name}"
        if not is_end:
            return f"{name} began: {_studies(run)}"
        seconds = time - (record.start_time or time)
        if run.is_success:
            return f"{name} succeeded after {seconds:.0f} s: {_studies(run)}"
        if run.is_failure:
            return f"{name} failed: {failure_sentence(self._instance, run.run_id)}"
        return f"{name} was canceled"


def _studies(run: dg.DagsterRun) -> str:
    start, end = partition_span(run) or ("", "")
    known = "1" if start == end else run.tags.get(STUDIES_TAG, "")
    return counted(int(known), "study") if known.isdecimal() else "a range of studies"
