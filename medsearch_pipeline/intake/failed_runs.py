"""What happens to studies whose run failed. Pure rules, for `ingest_sensor`.

A failed step is not retried unchanged: the same studies would fail again. Once the settings or code that runs depend on have
changed, the failed studies are dispatched again, without waiting for a ledger. Until then the sensor reports which studies are
in which failed run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medsearch_pipeline.intake.study_runs import StudyRun, partitions_of


@dataclass(frozen=True)
class FailedRuns:
    """Decisions about failed runs.

    Attributes:
        retry: Partitions to dispatch again.
        held: Failed run → its partitions that wait for changed settings.
        resolved: Runs that need no further action: those dispatched again, and those superseded by other runs.
    """

    retry: Sequence[str]
    held: Mapping[StudyRun, Sequence[str]]
    resolved: Sequence[str]


def judge_failed_runs(
    failed: Sequence[StudyRun], newest: Mapping[str, StudyRun], keys: Sequence[str], settings: str
) -> FailedRuns:
    """Decides which failed runs to retry, hold or resolve.

    Args:
        newest: partition → the last run that covered it. A partition belongs to a failed run only while that run is the last.
        keys: every partition, in Dagster's order.
        settings: the digest of the current settings.
    """
    positions = {key: position for position, key in enumerate(keys)}
    retry: list[str] = []
    held: dict[StudyRun, Sequence[str]] = {}
    resolved: list[str] = []
    for run in failed:
        open_ = [key for key in partitions_of(run, positions, keys) if key in newest and newest[key].id == run.id]
        if not open_:
            resolved.append(run.id)
        elif run.settings not in (None, settings):
            retry += open_
            resolved.append(run.id)
        else:
            held[run] = open_
    return FailedRuns(retry, held, resolved)
