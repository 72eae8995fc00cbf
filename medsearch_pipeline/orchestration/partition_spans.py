"""Positions of partition ranges in Dagster's list, and the partitions that unfinished runs and backfills still need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from medsearch_pipeline.orchestration.partitions import NAME, Partitions
from medsearch_pipeline.orchestration.run_tags import UNFINISHED, partition_span


def places_in(spans: Iterable[tuple[str, str]], places: Mapping[str, int]) -> list[range]:
    """Positions of spans in Dagster's order; a span whose first or last partition was removed is skipped.

    Args:
        places: partition → its position in that order.
    """
    return [range(places[start], places[end] + 1) for start, end in spans if start in places and end in places]


def claimed_partitions(partitions: Iterable[str], spans: Sequence[tuple[str, str]], keys: Sequence[str]) -> list[str]:
    """The partitions that active runs cover.

    Args:
        spans: first and last partition of every unfinished run.
        keys: every partition, in Dagster's order.
    """
    places = {key: place for place, key in enumerate(keys)}
    worked_on = places_in(spans, places)
    ends = {key for span in spans for key in span}

    def is_claimed(key: str) -> bool:
        place = places.get(key)
        return key in ends or (place is not None and any(place in span for span in worked_on))

    return [key for key in partitions if is_claimed(key)]


def unfinished_spans(instance: dg.DagsterInstance) -> list[tuple[str, str]]:
    """First and last partition of every unfinished run over partitions."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return [span for run in runs if (span := partition_span(run))]


def has_backfill(instance: dg.DagsterInstance) -> bool:
    """Whether a backfill is active, which would break if one of its partitions were removed."""
    going = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
    return bool(instance.get_backfills(filters=BulkActionsFilter(statuses=going), limit=1))


def remove_malformed(instance: dg.DagsterInstance, *, is_dry: bool = False) -> tuple[list[str], list[str]]:
    """Removes partitions that name no study; returns them, and those kept because a run or backfill uses them.

    Args:
        is_dry: removes nothing.
    """
    keys = instance.get_dynamic_partitions(NAME)
    malformed = list(Partitions.of(keys).malformed)
    if not malformed:
        return [], []
    claimed = malformed if has_backfill(instance) else claimed_partitions(malformed, unfinished_spans(instance), keys)
    removed = [key for key in malformed if key not in claimed]
    for key in () if is_dry else removed:
        instance.delete_dynamic_partition(NAME, key)
    return removed, claimed
