"""How many studies Dagster's SQLite can handle well, and what to do beyond that."""

from __future__ import annotations

COMFORTABLE_ON_SQLITE = 50_000
"""Number of studies that SQLite handles well (docs/operations.md; measured by benchmarks/ingestion.py)."""


def advice_for(is_on_sqlite: bool, partitions: int, comfortable: int) -> str | None:
    """What to do about the storage, if anything."""
    if not is_on_sqlite or partitions <= comfortable:
        return None
    return (
        f"Dagster keeps its state in SQLite and there are {partitions} studies, more than the {comfortable} it handles well: "
        "move to Postgres (docker/dagster.yaml, docs/operations.md)"
    )
