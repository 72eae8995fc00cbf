"""Files of the warehouse as version 2 of their tables wrote them."""

from __future__ import annotations

import io
from dataclasses import fields

import pyarrow.parquet as pq

from medsearch_core.columns import FIRST_VERSION
from medsearch_core.records import TABLES
from medsearch_core.storage.warehouse import Warehouse


def make_older(warehouse: Warehouse, path: str) -> None:
    """Rewrites a file without the columns that came after the first version, as that version would have written it."""
    file = pq.ParquetFile(io.BytesIO(warehouse.store.read(path)))
    record = TABLES[path.split("/", 1)[0]]
    first = [f.name for f in fields(record) if f.metadata["since"] == FIRST_VERSION]
    footer = {**(file.schema_arrow.metadata or {}), b"medsearch.schema_version": str(FIRST_VERSION).encode()}
    sink = io.BytesIO()
    pq.write_table(file.read().select(first).replace_schema_metadata(footer), sink)
    warehouse.store.write(path, sink.getvalue())
