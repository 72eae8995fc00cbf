"""The in-memory index from UIDs to studies, built from all of `dicom_metadata` and refreshed as the warehouse changes.

Belongs here: listing the warehouse, reading changed files, and holding their rows. Not here: DICOMweb's queries.

DICOMweb addresses studies by UID, the warehouse by study key with one small file per study; reading every file for each request
would take minutes. The first request builds the index and later ones refresh it, in a background thread. A request waits for it
a few seconds at most.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from medsearch_api.http.logs import ERRORS
from medsearch_api.imaging.errors import RequestError
from medsearch_core.columns import schema_of
from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord
from medsearch_core.storage.object_store import ObjectStore

FOLDER = "dicom_metadata"
WAIT_SECONDS = 5.0
FILES_AT_ONCE = 256
CONCURRENT_READS = 8
BUILDING = "The UID index is being built. Try again."
UNREADABLE = "The warehouse is unavailable. Try again."
TOO_MANY_INSTANCES = "The UID index is full. Raise MEDSEARCH_API_DICOMWEB_INSTANCES above the number of ingested instances."
RETRY_AFTER_SECONDS = 10

COLUMNS = {
    "patient": "VARCHAR",
    "study": "VARCHAR",
    "study_instance_uid": "VARCHAR",
    "series_instance_uid": "VARCHAR",
    "sop_instance_uid": "VARCHAR",
    "sop_class_uid": "VARCHAR",
    "patient_id": "VARCHAR",
    "patient_sex": "VARCHAR",
    "study_id": "VARCHAR",
    "study_date": "VARCHAR",
    "study_time": "VARCHAR",
    "study_description": "VARCHAR",
    "series_number": "BIGINT",
    "instance_number": "BIGINT",
    "modality": "VARCHAR",
    "body_part_examined": "VARCHAR",
    "view_position": "VARCHAR",
    "laterality": "VARCHAR",
    "manufacturer": "VARCHAR",
    "manufacturer_model_name": "VARCHAR",
    "photometric_interpretation": "VARCHAR",
    "rows": "BIGINT",
    "columns": "BIGINT",
    "bits_stored": "BIGINT",
    "frames": "BIGINT",
}
"""Indexed columns of `dicom_metadata`, with their DuckDB types."""

_FIELDS = pa.schema([(f.name, f.type) for f in schema_of(ImageRecord) if f.name in {*COLUMNS, "is_representative"}])

_LEVELS = """
    CREATE OR REPLACE TABLE studies AS
    SELECT patient, study, study_instance_uid, min(patient_id) AS patient_id, min(patient_sex) AS patient_sex,
           min(study_id) AS study_id, min(study_date) AS study_date, min(study_time) AS study_time,
           min(study_description) AS study_description,
           list_sort(list(DISTINCT modality) FILTER (modality IS NOT NULL)) AS modalities,
           list_sort(list(DISTINCT sop_class_uid) FILTER (sop_class_uid IS NOT NULL)) AS sop_classes,
           count(DISTINCT series_instance_uid) AS study_series, count(*) AS study_instances
    FROM instances GROUP BY patient, study, study_instance_uid;
    CREATE OR REPLACE TABLE series AS
    SELECT patient, study, study_instance_uid, series_instance_uid, min(modality) AS modality,
           min(series_number) AS series_number, min(body_part_examined) AS body_part_examined,
           min(laterality) AS laterality, min(manufacturer) AS manufacturer,
           min(manufacturer_model_name) AS manufacturer_model_name, count(*) AS series_instances
    FROM instances GROUP BY patient, study, study_instance_uid, series_instance_uid;
"""


class UidIndex:
    """Tables `instances` (one row per SOP instance), `series` and `studies` in an in-process DuckDB.

    Instances without a SeriesInstanceUID (Type 1, PS3.3 C.7.3.1) cannot be addressed by DICOMweb and are not indexed.

    Args:
        store: the warehouse's store.
        max_instances: maximum number of indexed instances.
        refresh_seconds: how long a listing of the warehouse counts as current.
    """

    def __init__(self, store: ObjectStore, max_instances: int, refresh_seconds: float) -> None:
        self._store, self._max_instances, self._refresh_seconds = store, max_instances, refresh_seconds
        self._lock = threading.Lock()
        self._running: Future[None] | None = None
        self._listed_at: float | None = None
        self._etags: dict[str, str] | None = None
        self._failure: str | None = None
        self._database: duckdb.DuckDBPyConnection | None = None

    async def wait_until_ready(self) -> None:
        """Wait until the tables exist, and up to `WAIT_SECONDS` for a refresh.

        Raises:
            RequestError: 503, the tables are still being built, cannot be built, or would be too large.
        """
        running = self._start_refresh()
        if running is not None:
            await asyncio.wait([asyncio.wrap_future(running)], timeout=WAIT_SECONDS)
        if self._failure == TOO_MANY_INSTANCES or self._etags is None:
            raise self._unavailable()

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return a query's rows, read from one consistent state of the tables. Blocks.

        Raises:
            RequestError: as `wait_until_ready`.
        """
        if self._database is None:
            raise self._unavailable()
        with self._database.cursor() as cursor:
            rows: list[dict[str, Any]] = cursor.sql(sql, params=list(parameters)).to_arrow_table().to_pylist()
            return rows

    def find_studies(self, study_uid: str, series_uid: str | None = None, instance_uid: str | None = None) -> list[StudyKey]:
        """Return the keys of the studies with these UIDs; several if patients share a StudyInstanceUID. Blocks."""
        uids = {"study_instance_uid": study_uid, "series_instance_uid": series_uid, "sop_instance_uid": instance_uid}
        conditions = {column: uid for column, uid in uids.items() if uid is not None}
        where = " AND ".join(f"{column} = ?" for column in conditions)
        sql = f"SELECT DISTINCT patient, study FROM instances WHERE {where} ORDER BY ALL"  # noqa: S608 - our own column names
        rows = self.select(sql, list(conditions.values()))
        return [StudyKey(row["patient"], row["study"]) for row in rows]

    def _unavailable(self) -> RequestError:
        return RequestError(503, self._failure or BUILDING, RETRY_AFTER_SECONDS)

    def _start_refresh(self) -> Future[None] | None:
        """Return the refresh in progress, starting one if it is due."""
        with self._lock:
            is_fresh = self._listed_at is not None and time.monotonic() - self._listed_at < self._refresh_seconds
            if self._running is None and not (is_fresh and self._etags is not None):
                self._running = Future()
                threading.Thread(target=self._refresh, args=(self._running,), name="dicomweb", daemon=True).start()
            return self._running

    def _refresh(self, running: Future[None]) -> None:
        failure: str | None = UNREADABLE
        begun = time.monotonic()
        try:
            self._update()
            failure = None
        except _TooManyInstances:
            failure = TOO_MANY_INSTANCES
        except Exception as error:  # noqa: BLE001 - the last chance to keep its message out of the log
            ERRORS.error("the UID index could not be refreshed: %s", type(error).__name__)
        finally:
            with self._lock:
                self._running, self._listed_at, self._failure = None, begun, failure
            running.set_result(None)

    def _update(self) -> None:
        listed = {e.key: f"{e.etag} {e.bytes}" for e in self._store.list(FOLDER) if e.key.endswith(".parquet")}
        previous = self._etags or {}
        removed = [key for key in previous if key not in listed]
        changed = [key for key, tag in listed.items() if previous.get(key) != tag]
        if self._etags is not None and not removed and not changed:
            return
        database = self._database or _empty_database()
        unread: set[str] = set()
        with database.cursor() as writer:
            writer.begin()
            try:
                writer.execute("DELETE FROM instances WHERE path IN (SELECT unnest(?))", [[*removed, *changed]])
                for keys in _batches(changed):
                    unread |= self._insert(writer, keys)
                writer.execute(_LEVELS)
                writer.commit()
            except BaseException:
                writer.rollback()
                raise
        self._database, self._etags = database, {key: tag for key, tag in listed.items() if key not in unread}

    def _insert(self, writer: duckdb.DuckDBPyConnection, keys: Sequence[str]) -> set[str]:
        """Insert the rows of these files. Returns the files that could not be read; the next refresh retries them."""
        with ThreadPoolExecutor(CONCURRENT_READS) as pool:
            tables = dict(zip(keys, pool.map(self._read, keys), strict=True))
        readable = [table for table in tables.values() if table is not None]
        if readable:
            writer.register("new_rows", pa.concat_tables(readable))
            writer.execute(
                f"INSERT INTO instances BY NAME SELECT path, {', '.join(COLUMNS)} FROM new_rows "  # noqa: S608 - names of our own
                "WHERE is_representative AND regexp_full_match(series_instance_uid, '[0-9.]{1,64}')"
            )
            writer.unregister("new_rows")
        ((count,),) = writer.execute("SELECT count(*) FROM instances").fetchall()
        if count > self._max_instances:
            raise _TooManyInstances
        return {key for key, table in tables.items() if table is None}

    def _read(self, key: str) -> pa.Table | None:
        try:
            source = pa.BufferReader(self._store.read(key))
            table = pq.ParquetFile(source).read(columns=_FIELDS.names, use_threads=False).select(_FIELDS.names).cast(_FIELDS)
        except ObjectNotFound:
            return None
        except (pa.ArrowException, KeyError) as error:
            ERRORS.error("a file of %s cannot be read: %s", FOLDER, type(error).__name__)
            return None
        table = table.filter(pc.field("is_representative"))
        return table.append_column("path", pa.array([key] * len(table), pa.string()))


class _TooManyInstances(Exception):
    """The index would exceed its limit."""


def _empty_database() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(config={"threads": 2, "temp_directory": ""})
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    database.execute(f"CREATE TABLE instances (path VARCHAR, {columns})")
    return database


def _batches(keys: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, FILES_AT_ONCE)):
        yield batch
