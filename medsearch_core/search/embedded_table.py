"""The Lance table of the embedded index: opening, snapshots, the one writer at a time, compaction.

Belongs here: what makes reads and writes safe beside each other. A read pins the newest version and does all its queries on
it. A write is one commit. Writers of one folder take turns by a file lock that dies with its process; on an object store Lance
rejects and repeats commits that touch the same rows.
"""

from __future__ import annotations

import fcntl
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import lancedb
from lancedb.index import FTS, BTree

from medsearch_core.errors import MedsearchError, StorageError
from medsearch_core.search.embedded_rows import GONE, SCHEMA
from medsearch_core.search.index import TextField

TABLE = "documents"
LOOKED_UP = ("key", "study_key", "image_id", "report_id")
KEPT_FOR_READERS = timedelta(minutes=5)
MOST_FRAGMENTS = 32
FEWEST_ROWS_BEHIND = 2000
ATTEMPTS = 6

_CAUSES = re.compile(
    r"no space left|permission denied|read-only file system|too many open files|access denied|timed? ?out|"
    r"conflict|concurrent|already exists|not found",
    re.IGNORECASE,
)


Result = TypeVar("Result")


class WriteConflict(StorageError):
    """Another process changed the same rows, or the table's indexes, first. Only on an object store."""


class DocumentTable:
    """One table in a folder or bucket, which need not exist yet."""

    def __init__(self, uri: str, storage_options: dict[str, str] | None = None) -> None:
        self._folder = None if "://" in uri and not uri.startswith("file://") else Path(uri.removeprefix("file://"))
        self._uri = uri if self._folder is None else str(self._folder)
        self._options = storage_options
        self._connection: Any = None

    @property
    def is_local(self) -> bool:
        """Whether writers take turns by a file lock."""
        return self._folder is not None

    def snapshot(self) -> Any | None:
        """The newest version, pinned: every query on it sees the same rows. None before anything was written.

        Raises:
            StorageError: the index cannot be read.
        """
        if self._folder is not None and not self._folder.joinpath(f"{TABLE}.lance").exists():
            return None
        with failing_as("read"):
            table = self._open()
            if table is None:
                return None
            table.checkout(table.version)
            return table if table.count_rows() else None

    @contextmanager
    def writing(self, create: bool) -> Iterator[Any | None]:
        """The newest version for changing, while no other process on this folder writes; None if it does not exist.

        Raises:
            StorageError: the index cannot be written.
        """
        with failing_as("written"), self._turn(create):
            table = self._open() if create or self.snapshot() is not None else None
            if create:
                table = self._complete(table)
            yield table

    def _open(self) -> Any | None:
        if self._connection is None:
            self._connection = lancedb.connect(self._uri, read_consistency_interval=timedelta(0), storage_options=self._options)
        try:
            return self._connection.open_table(TABLE)
        except ValueError as error:
            if re.fullmatch(rf"Table '{TABLE}' was not found", str(error)):
                return None
            raise

    def _complete(self, table: Any | None) -> Any:
        """The table with all its indexes, which a writer killed at the very start may have left out."""
        if table is None:
            schema = SCHEMA.with_metadata({"index_id": uuid4().hex})
            table = self._connection.create_table(TABLE, schema=schema)
        indexed = {column for index in table.list_indices() for column in index.columns}
        for column in LOOKED_UP:
            if column not in indexed:
                table.create_index(column, config=BTree())
        for field in TextField:
            if field.value not in indexed:
                table.create_index(field.value, config=FTS(with_position=False))
        return table

    @contextmanager
    def _turn(self, create: bool) -> Iterator[None]:
        if self._folder is None or not (create or self._folder.exists()):
            yield
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._folder.joinpath("writer.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def compact(table: Any) -> None:
    """Drops hidden rows, merges fragments, brings the indexes up to date, forgets versions no reader can be using."""
    if table.count_rows(f"kind = '{GONE}'"):
        table.delete(f"kind = '{GONE}'")
    table.optimize(cleanup_older_than=KEPT_FOR_READERS)


def compact_if_due(table: Any) -> None:
    """Compacts when reads begin to pay for the writes since the last time.

    Reads open every fragment, and stem the words of every row that came after the last compaction: about 15 ms for a
    thousand reports. Compaction rewrites the table, so the number of rows it waits for grows with the table.
    """
    words = table.index_stats(f"{TextField.REPORT.value}_idx")
    behind = words is None or words.num_unindexed_rows > max(FEWEST_ROWS_BEHIND, words.num_indexed_rows // 10)
    if behind or table.stats()["fragment_stats"]["num_fragments"] >= MOST_FRAGMENTS:
        compact(table)


@contextmanager
def failing_as(action: str) -> Iterator[None]:
    """Turns the library's errors into `StorageError` without their text, which quotes conditions and so patients.

    Raises:
        StorageError: with the kind of the error and, where it is a known one, the cause.
    """
    try:
        yield
    except MedsearchError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        known = _CAUSES.search(str(error))
        cause = f" ({known.group().lower()})" if known else ""
        came_second = known is not None and known.group().lower() in ("conflict", "concurrent", "already exists")
        kind = WriteConflict if came_second else StorageError
        raise kind(f"the search index could not be {action}: {type(error).__name__}{cause}") from None


def until_settled(write: Callable[[], Result]) -> Result:
    """What a repeatable write returns, tried again after a pause when another process came first.

    Raises:
        WriteConflict: it still did after `ATTEMPTS`.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return write()
        except WriteConflict:
            time.sleep(random.uniform(0, attempt))  # noqa: S311
    return write()
