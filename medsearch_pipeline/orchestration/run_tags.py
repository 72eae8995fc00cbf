"""Runs in Dagster's storage: the tags of a run's partitions, and which runs are unfinished."""

from __future__ import annotations

import dagster as dg

PARTITION_TAG = "dagster/partition"
RANGE_START_TAG, RANGE_END_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
RUN_KEY_TAG = "dagster/run_key"
PRIORITY_TAG = "dagster/priority"
RETRY_STRATEGY_TAG = "dagster/retry_strategy"
STUDIES_TAG = "medsearch/studies"
HIDDEN = ".dagster/medsearch_"
"""Prefix of internal tags, which Dagster's UI does not show."""
SETTINGS_TAG, UNRESOLVED_TAG = f"{HIDDEN}settings", f"{HIDDEN}unresolved"
"""The digest of the settings a run began with, and `true` until a failed run was retried or superseded."""

UNFINISHED = [
    status
    for status in dg.DagsterRunStatus
    if status not in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
]
"""Created, queued, started, or being canceled."""


def partition_span(run: dg.DagsterRun) -> tuple[str, str] | None:
    """First and last partition of a run; None if it has none."""
    start = run.tags.get(RANGE_START_TAG, run.tags.get(PARTITION_TAG))
    end = run.tags.get(RANGE_END_TAG, run.tags.get(PARTITION_TAG))
    return (start, end) if start and end else None


def settings_tags(digest: str) -> dict[str, str]:
    """The tags of a run that, if it fails, is retried when the digest of the settings changes."""
    return {SETTINGS_TAG: digest, UNRESOLVED_TAG: "true"}


def range_tags(start: str, end: str, studies: int) -> dict[str, str]:
    """The tags of a run over the partitions from `start` to `end`, requested for `studies` of them.

    A retry starts from the beginning: the remaining work follows from digests, not from Dagster's record of a dead run.
    """
    return {RANGE_START_TAG: start, RANGE_END_TAG: end, STUDIES_TAG: str(studies), RETRY_STRATEGY_TAG: "ALL_STEPS"}
