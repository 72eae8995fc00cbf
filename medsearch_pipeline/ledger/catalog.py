"""The catalog: every study's files in one table, with the parts of their rows that the ledger needs.

Belongs here: refreshing it, by a listing and by reading changed files. It is made from those files alone and can be deleted at
any time. Not here: the ledger's decisions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from medsearch_core.batched import batched
from medsearch_core.columns import schema_of, table_of
from medsearch_core.errors import ConfigurationError, ObjectNotFound
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import CatalogFile
from medsearch_core.storage.sql import query_tables
from medsearch_core.storage.warehouse import CATALOG_PATH, Warehouse, study_path
from medsearch_pipeline.studies import images as study_images
from medsearch_pipeline.studies import reports as study_reports
from medsearch_pipeline.studies.documents import study_from_path

VERSION = "2"
IMAGE_REJECTIONS, REPORT_REJECTIONS = f"rejections/{study_images.STAGE}", f"rejections/{study_reports.STAGE}"
COLUMNS: dict[str, tuple[str, ...]] = {
    "dicom_metadata": ("key", "sha256"),
    "thumbnails": (),
    "embeddings": (),
    "reports": ("key", "sha256", "not_read"),
    "report_entities": (),
    IMAGE_REJECTIONS: ("key", "frame", "reason", "detail"),
    REPORT_REJECTIONS: ("key", "frame", "reason", "detail"),
    "tags": ("tag",),
}
"""Table → the columns that are read; of other tables only the number of rows and the footer are read."""

READERS = 16
BATCH = 20_000
IDENTITY = ("patient", "study", "table_name", "etag")


@dataclass(frozen=True, kw_only=True)
class CatalogRefresh:
    """The current catalog, and the numbers of files read, reused and removed since the last refresh."""

    table: pa.Table
    files_read: int
    files_reused: int
    files_removed: int

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the previous catalog."""
        return bool(self.files_read or self.files_removed)


def catalog_digest() -> str:
    """The digest that a stored catalog must have for its rows to be reused."""
    return digest_of("catalogue", VERSION)


def refresh_catalog(warehouse: Warehouse, on_progress: Callable[[int, int], None] = lambda done, total: None) -> CatalogRefresh:
    """The current catalog of the warehouse, from the last one and the new and changed files.

    Changed files are found by a listing taken before they are read, so a file that changes meanwhile is found next time.

    Args:
        on_progress: gets the number of files read, and the number to read.

    Raises:
        StorageError: the store cannot be listed or read. A file that is not Parquet gets a row without a digest.
    """
    listing, stored = _listing(warehouse), _stored_catalog(warehouse)
    new, old = _differences(listing, stored)
    parts = [stored.take(old)]
    done = 0
    with ThreadPoolExecutor(READERS) as readers:
        for batch in batched(_rows(listing.take(new)), BATCH):
            found = readers.map(lambda file: _read(warehouse, *file), batch)
            parts.append(table_of(CatalogFile, [file for file in found if file]))
            on_progress(done := done + len(batch), len(new))
    table = pa.concat_tables(parts).sort_by([(name, "ascending") for name in IDENTITY])
    return CatalogRefresh(table=table, files_read=len(new), files_reused=len(old), files_removed=len(stored) - len(old))


def read_catalog(warehouse: Warehouse) -> pa.Table:
    """The catalog as of its last refresh.

    Raises:
        ConfigurationError: there is none.
    """
    if warehouse.inputs(CATALOG_PATH) != catalog_digest():
        raise ConfigurationError(f"there is no catalog in {warehouse.store.url}: run ledger_job in Dagster")
    return warehouse.read(CATALOG_PATH)


def study_files(warehouse: Warehouse, studies: Collection[StudyKey]) -> pa.Table:
    """The rows that a refreshed catalog would have for a few studies, read from their files."""
    files = [(study.patient, study.study, table, "") for study in studies for table in COLUMNS]
    with ThreadPoolExecutor(READERS) as readers:
        found = readers.map(lambda file: _read(warehouse, *file), files)
        return table_of(CatalogFile, [file for file in found if file])


def _stored_catalog(warehouse: Warehouse) -> pa.Table:
    """The last catalog; None if it cannot be read or was made by other code, so that every file is read again."""
    if warehouse.inputs(CATALOG_PATH) != catalog_digest():
        return schema_of(CatalogFile).empty_table()
    try:
        return warehouse.read(CATALOG_PATH)
    except pa.ArrowException:
        return schema_of(CatalogFile).empty_table()


def _listing(warehouse: Warehouse) -> pa.Table:
    """Patient, study, table and tag of every file, one row each."""

    def of(table: str) -> pa.Table:
        columns: list[list[str]] = [[], [], []]
        for entry in warehouse.store.list(table):
            study = study_from_path(entry.key.removeprefix(f"{table}/"))
            if study:
                for column, value in zip(columns, (study.patient, study.study, entry.etag), strict=True):
                    column.append(value)
        patients, studies, etags = (pa.array(column, pa.string()) for column in columns)
        names = pa.repeat(pa.scalar(table, pa.string()), len(etags))
        return pa.table([patients, studies, names, etags], names=list(IDENTITY))

    with ThreadPoolExecutor(len(COLUMNS)) as listers:
        return pa.concat_tables(listers.map(of, COLUMNS))


def _differences(listing: pa.Table, stored: pa.Table) -> tuple[pa.Array, pa.Array]:
    """The positions in the listing of new and changed files, and in `stored` of unchanged files."""
    tables = {
        name: table.append_column("place", pa.array(np.arange(len(table))))
        for name, table in (("listing", listing), ("held", stored.select(list(IDENTITY))))
    }
    new, old = (
        query_tables(f"SELECT place FROM {a} {how} JOIN {b} USING ({', '.join(IDENTITY)}) ORDER BY place", **tables)  # noqa: S608
        for a, how, b in (("listing", "ANTI", "held"), ("held", "SEMI", "listing"))
    )
    return new["place"].combine_chunks(), old["place"].combine_chunks()


def _rows(table: pa.Table) -> Iterator[tuple[str, ...]]:
    return zip(*(table[name].to_pylist() for name in IDENTITY), strict=True)


def _read(warehouse: Warehouse, patient: str, study: str, table: str, etag: str) -> CatalogFile | None:
    """The row of one file; None if it was deleted meanwhile."""
    columns = COLUMNS[table]
    inputs = version = run = None
    rows: list[dict[str, Any]] = []
    count = 0
    try:
        file = warehouse.written(study_path(table, StudyKey(patient, study)), columns)
        run, count = file.run, file.rows.num_rows
        if file.origin is not None:
            inputs, version = file.origin.inputs, file.origin.version
            rows = file.rows.to_pylist() if columns else []
    except ObjectNotFound:
        return None
    except pa.ArrowException:
        inputs = None  # unknown inputs, so it has to be made again
    if table == "tags" and rows:
        inputs = digest_of(*(row["tag"] for row in rows))
    return CatalogFile(
        patient=patient,
        study=study,
        table_name=table,
        etag=etag,
        inputs=inputs,
        version=version,
        run=run,
        rows=count,
        outcomes=_outcomes(table, rows),
    )


def _outcomes(table: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    if table in (IMAGE_REJECTIONS, REPORT_REJECTIONS):
        return [{**row, "images": 0} for row in rows]
    if "sha256" not in COLUMNS[table]:
        return []
    counts = Counter((row["key"], row["sha256"], row.get("not_read")) for row in rows)
    images = int(table == "dicom_metadata")
    return [
        {"key": key, "sha256": sha256, "images": images * count, "detail": not_read}
        for (key, sha256, not_read), count in counts.items()
    ]
