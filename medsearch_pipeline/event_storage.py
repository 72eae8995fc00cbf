"""The former place of `orchestration.event_storage`, which copies of dagster.yaml still name; to be removed after 0.1."""

from __future__ import annotations

from medsearch_pipeline.orchestration.event_storage import PostgresStorage, SqliteStorage

__all__ = ["PostgresStorage", "SqliteStorage"]
