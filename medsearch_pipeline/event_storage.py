"""The former location of `orchestration.event_storage`, still named by copies of dagster.yaml; to be removed after 0.1."""

from __future__ import annotations

from medsearch_pipeline.orchestration.event_storage import PostgresStorage, SqliteStorage

__all__ = ["PostgresStorage", "SqliteStorage"]
