"""advice_for."""

from __future__ import annotations

import dagster as dg
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.settings.pipeline import Settings


COMFORTABLE_ON_SQLITE = 50_000
"""Studies up to which SQLite is comfortable: docs/operations.md says why, benchmarks/ingestion.py measures it."""


def advice_for(is_on_sqlite: bool, partitions: int, comfortable: int) -> str | None:
    """What to do about the storage; None if nothing."""
    if not is_on_sqlite or partitions <= comfortable:
        return None
    return (
        f"Dagster keeps its state in SQLite and there are {partitions} studies, more than the {comfortable} it is comfortable "
        "with: move to Postgres (docker/dagster.yaml, docs/operations.md)"
    )

