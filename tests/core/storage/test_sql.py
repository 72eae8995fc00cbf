"""SQL over tables in memory: queries beside each other see their own tables alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pyarrow as pa
import pytest

from medsearch_core.storage import sql
from medsearch_core.storage.sql import query_tables


def numbers(*values: int) -> pa.Table:
    return pa.table({"n": values})


def test_a_query_sees_its_own_tables_and_parameters_alone() -> None:
    assert query_tables("SELECT n FROM t WHERE n > $least", {"least": 1}, t=numbers(1, 2)).to_pydict() == {"n": [2]}
    assert query_tables("SELECT n FROM t", t=numbers(3)).to_pydict() == {"n": [3]}
    with pytest.raises(duckdb.CatalogException):
        query_tables("SELECT n FROM t")


def test_threads_that_ask_at_once_have_each_their_own_answer() -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: query_tables("SELECT n FROM t", t=numbers(n)).to_pydict(), range(80))
    assert list(answers) == [{"n": [n]} for n in range(80)]


@pytest.mark.parametrize("fault", [duckdb.FatalException, duckdb.InternalException])
def test_a_database_that_a_fault_has_ended_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, fault: type[Exception]) -> None:
    def fail(_: object) -> str:
        raise fault

    first = sql._database(os.getpid())
    monkeypatch.setattr(sql, "dict", fail, raising=False)  # as if the database failed between two steps of a query
    with pytest.raises(fault):
        query_tables("SELECT 1", {"a": 1})
    assert query_tables("SELECT 1 AS n").to_pydict() == {"n": [1]}
    assert sql._database(os.getpid()) is not first


@pytest.mark.slow
def test_a_forked_process_asks_a_database_of_its_own() -> None:
    query_tables("SELECT n FROM t", t=numbers(1))
    child = os.fork()
    if child == 0:
        os._exit(query_tables("SELECT n FROM t", t=numbers(42))["n"][0].as_py())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
