"""SQL over tables in memory."""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping
from functools import cache

import duckdb
import pyarrow as pa


def query_tables(query: str, parameters: Mapping[str, object] | None = None, **tables: pa.Table) -> pa.Table:
    """The result of a DuckDB query over tables in memory, which no other query sees."""
    try:
        with _database(os.getpid()).cursor() as connection:
            for name, table in tables.items():
                connection.register(name, table)
            return connection.sql(query, params=dict(parameters) if parameters else None).to_arrow_table()
    except (duckdb.FatalException, duckdb.InternalException):
        _database.cache_clear()  # DuckDB answers nothing more in a database with such an error
        raise


@cache
def _database(process: int) -> duckdb.DuckDBPyConnection:
    """The empty database of a process: opening one takes several times as long as a query. A forked child opens its own."""
    return duckdb.connect()


atexit.register(_database.cache_clear)  # DuckDB prints what Python still holds of it at the very end
