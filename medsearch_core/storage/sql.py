"""ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
import duckdb
import pyarrow as pa
from medsearch_core.keys import StudyKey
from medsearch_core.records import EXCLUSIONS, TOMBSTONES, LedgerEntry, schema_of
from medsearch_pipeline.ledger.catalog import COLUMNS, IMAGE_REJECTIONS, REPORT_REJECTIONS
from medsearch_pipeline.studies.landed_objects import SHARED
from medsearch_pipeline.studies.documents import TABLES, inputs_of_documents
from medsearch_pipeline.ledger.states import name, table


def ask(query: str, parameters: Mapping[str, object] | None = None, **tables: pa.Table) -> pa.Table:
    """The answer of a DuckDB query over tables in memory."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(query, params=dict(parameters) if parameters else None).to_arrow_table()

