"""A study's rows, read from the warehouse with DuckDB: the data that the index does not contain.

Each call reads exactly one object per study and table, so it sees the pipeline's latest write. A study without tables has no
rows. Bytes come from the warehouse's store, so folders and S3 are read the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey, is_safe
from medsearch_core.storage.sql import query_tables
from medsearch_core.storage.warehouse import Warehouse, study_path

CONCURRENT_READS = 8

_IMAGES = """
    SELECT * FROM study_rows ORDER BY ordinal, series_number NULLS LAST, instance_number NULLS LAST, image_id, frame
"""
_SOURCES = """
    SELECT ordinal, image_id, key, sha256, bytes, frame, frames, rows, columns, study_instance_uid, series_instance_uid,
           sop_instance_uid, transfer_syntax_uid
    FROM study_rows ORDER BY ordinal, series_number NULLS LAST, instance_number NULLS LAST, sop_instance_uid, frame
"""
_REPORTS = "SELECT ordinal, report_id, sha256, ner_version, comparison FROM study_rows ORDER BY ordinal, report_id"
_ENTITIES = 'SELECT * FROM study_rows ORDER BY ordinal, report_id, begin, "end"'

ASSETS = {"dicom_metadata": "dicom_metadata", "embeddings": "embeddings", "reports": "report_entities"}
"""Table → the Dagster asset that writes it."""

ImageRow = dict[str, Any]
EntityRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImageSource:
    """The location of an image's pixels: a frame (1-based) of a landed object, with the object's digest and size."""

    image_id: str
    key: str
    sha256: str
    bytes: int
    frame: int
    frames: int
    rows: int
    columns: int
    study_instance_uid: str
    series_instance_uid: str | None
    sop_instance_uid: str
    transfer_syntax_uid: str | None


@dataclass(frozen=True, slots=True)
class WarehouseReport:
    """A report as currently in the warehouse, with its mentions in text order."""

    report_id: str
    sha256: str
    ner_version: str
    comparison: str | None
    entities: Sequence[EntityRow]


class StudyTables:
    """Reads rows of studies, in the order of the requested studies."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def images(self, studies: Sequence[StudyKey]) -> Sequence[Sequence[ImageRow]]:
        """Return each study's images, in acquisition order."""
        return self._rows("dicom_metadata", studies, _IMAGES)

    def studies(self, patients: Sequence[str]) -> Sequence[Sequence[StudyKey]]:
        """Return each patient's studies that have a table of images or reports, by study key."""

        def list_studies(patient: str) -> list[StudyKey]:
            folders = [f"{table}/{patient}" for table in ("dicom_metadata", "reports")]
            keys = {entry.key for folder in folders for entry in self._warehouse.store.list(folder)}
            studies = {key.rpartition("/")[2].removesuffix(".parquet") for key in keys if key.endswith(".parquet")}
            return [StudyKey(patient, study) for study in sorted(filter(is_safe, studies))]

        with ThreadPoolExecutor(CONCURRENT_READS) as pool:
            return list(pool.map(list_studies, patients))

    def reports(self, studies: Sequence[StudyKey]) -> Sequence[Sequence[WarehouseReport]]:
        """Return each study's reports with their entities."""
        reports, entities = self._rows("reports", studies, _REPORTS), self._rows("report_entities", studies, _ENTITIES)
        return [
            [WarehouseReport(**row, entities=[e for e in mentions if e["report_id"] == row["report_id"]]) for row in rows]
            for rows, mentions in zip(reports, entities, strict=True)
        ]

    def sources(self, studies: Sequence[StudyKey]) -> Sequence[Sequence[ImageSource]]:
        """Return the locations of each study's images, by series and instance number, then SOPInstanceUID and frame."""
        return [[ImageSource(**row) for row in rows] for rows in self._rows("dicom_metadata", studies, _SOURCES)]

    def runs(self, tables: Sequence[tuple[str, StudyKey]]) -> Sequence[str | None]:
        """Return the Dagster run that wrote each study's table; None if the file does not exist or names no run."""

        def read(table_key: tuple[str, StudyKey]) -> str | None:
            run: str | None = _translate_errors(table_key[0], lambda: self._warehouse.run_of(study_path(*table_key)))
            return run

        with ThreadPoolExecutor(CONCURRENT_READS) as pool:
            return list(pool.map(read, tables))

    def _rows(self, table: str, studies: Sequence[StudyKey], sql: str) -> list[list[dict[str, Any]]]:
        def read(study: StudyKey) -> pa.Table:
            return _translate_errors(table, lambda: self._warehouse.read(study_path(table, study)))

        with ThreadPoolExecutor(CONCURRENT_READS) as pool:
            parts = list(pool.map(read, studies))
        numbered = [p.append_column("ordinal", pa.array([i] * len(p), pa.int64())) for i, p in enumerate(parts)]
        rows = _translate_errors(table, lambda: _select(pa.concat_tables(numbered, promote_options="default"), sql))
        groups: list[list[dict[str, Any]]] = [[] for _ in studies]
        for row in rows:
            groups[row.pop("ordinal")].append(row)
        return groups


def _select(table: pa.Table, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = query_tables(sql, study_rows=table).to_pylist()
    return rows


def _translate_errors(table: str, read: Callable[[], Any]) -> Any:
    """Call `read`, raising StorageError if a file exists but cannot be parsed: a corrupt file is not an empty table."""
    try:
        return read()
    except (pa.ArrowException, duckdb.Error) as error:
        raise StorageError(f"a file of {table} cannot be read: {type(error).__name__}") from error
