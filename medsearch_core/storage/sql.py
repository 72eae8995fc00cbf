"""SQL over tables in memory."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa


def query_tables(query: str, parameters: Mapping[str, object] | None = None, **tables: pa.Table) -> pa.Table:
    """The result of a DuckDB query over tables in memory."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(query, params=dict(parameters) if parameters else None).to_arrow_table()
