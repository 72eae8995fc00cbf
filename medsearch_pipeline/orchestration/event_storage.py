"""Dagster's event storage with batched writes; dagster.yaml and docker/dagster.yaml name these classes.

Dagster 1.13 passes many events at once (`DAGSTER_EVENT_BATCH_SIZE`), but its SQLite storage writes each one in three
transactions over three new connections, and its Postgres storage does so for all but materializations. A study has ten events,
a run of 256 studies 2,560; at 20 to 40 ms each they took half of an ingestion. Here a batch takes one statement for the
events, one for their tags, and one row per asset. The tables and their content are Dagster's. If a batch fails, Dagster writes
its events one by one, as before.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorage, SqlEventLogStorageTable
from dagster._core.storage.event_log.schema import DynamicPartitionsTable
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import get_token_provider_from_config, pg_url_from_config
from sqlalchemy import func, insert, select
from sqlalchemy.engine import Connection

from medsearch_core.process.permissions import keep_files_private
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.orchestration.sqlite_limit import COMFORTABLE_ON_SQLITE, advice_for


class _InBatches(SqlEventLogStorage):
    """Batched writing, shared by both event logs."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events: those of assets in one batch, the few others (planned checks) one by one after them."""
        of_assets = [event for event in events if _is_of_asset(event)]
        if of_assets:
            self._store_in_run(of_assets)
            with self.index_transaction() as connection:
                ids = self._insert(connection, of_assets)
                self._store_asset_event_tags(connection, of_assets, ids)
                last = {event.get_dagster_event().asset_key: (event, row) for event, row in zip(of_assets, ids, strict=True)}
                for event, row in last.values():
                    self._store_asset_event(connection, event, row)
        for event in events:
            if not _is_of_asset(event):
                self.store_event(event)

    def _store_in_run(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events in the run's own database; Postgres has none."""

    def _insert(self, connection: Connection, events: Sequence[EventLogEntry]) -> list[int]:
        """Inserts events and returns their row ids, in order."""
        column = SqlEventLogStorageTable.c.id
        statement = insert(SqlEventLogStorageTable).returning(column, sort_by_parameter_order=True)
        return list(connection.execute(statement, [self._event_to_row(event) for event in events]).scalars())


class SqliteEventLog(_InBatches, SqliteEventLogStorage):
    """Dagster's event log in SQLite: a file per run, and one for queries across runs."""

    def _store_in_run(self, events: Sequence[EventLogEntry]) -> None:
        for run_id in {event.run_id for event in events}:
            with self.run_connection(run_id) as connection:
                self._insert(connection, [event for event in events if event.run_id == run_id])

    def count_studies(self) -> int:
        """How many partitions are registered."""
        of_studies = DynamicPartitionsTable.c.partitions_def_name == NAME
        with self.index_connection() as connection:
            return int(connection.execute(select(func.count()).where(of_studies)).scalar_one())


class PostgresEventLog(_InBatches, PostgresEventLogStorage):
    """Dagster's event log in Postgres."""


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite in a folder, as for an instance with no storage configured.

    Every process that opens it logs a warning if there are more studies than SQLite can handle well.
    """

    def __init__(
        self, base_dir: str, inst_data: ConfigurableClassData | None = None, comfortable: int = COMFORTABLE_ON_SQLITE
    ) -> None:
        keep_files_private()  # before the first file, even in a daemon that Dagster's own command started
        super().__init__(base_dir, inst_data)
        log = SqliteEventLog(str(Path(base_dir, "history", "runs")))
        self._event_log_storage = log
        if advice := advice_for(is_on_sqlite=True, partitions=log.count_studies(), comfortable=comfortable):
            logging.getLogger(__name__).warning(advice)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "SqliteStorage":
        return cls.from_local(config_value["base_dir"], inst_data)


class PostgresStorage(DagsterPostgresStorage):
    """Dagster's storage in Postgres, configured like Dagster's own."""

    def __init__(self, url: str, should_autocreate_tables: bool, inst_data: Any, token_provider: Any) -> None:
        keep_files_private()
        super().__init__(url, should_autocreate_tables, inst_data, token_provider)
        self._event_log_storage = PostgresEventLog(url, should_autocreate_tables, token_provider=token_provider)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "PostgresStorage":
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data,
            get_token_provider_from_config(config_value),
        )


def _is_of_asset(event: EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in ASSET_EVENTS and bool(event.get_dagster_event().asset_key)
