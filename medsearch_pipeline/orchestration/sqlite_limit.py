"""Up to how many studies Dagster's SQLite is comfortable, and what to do beyond."""

from __future__ import annotations

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
