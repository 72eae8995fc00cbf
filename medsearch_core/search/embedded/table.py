"""The Lance table of one release of the embedded index: opening, snapshots, compaction.

Belongs here: what makes concurrent reads and writes safe. A read pins the newest version and runs all its queries on it. A
write is one commit. Writers of one folder take turns (`catalog`); on an object store Lance rejects commits that touch the same
rows, and they are repeated.
"""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

import lancedb
from lancedb.index import FTS, BTree

from medsearch_core.errors import MedsearchError, NoSuchRelease, StorageError, Transient
from medsearch_core.search.embedded.rows import SCHEMA, TOMBSTONE, WORDS

TABLE = "documents"
LOOKED_UP = ("key", "study_key", "image_id", "report_id")
WORDS_INDEX = FTS(base_tokenizer="whitespace", lower_case=False, stem=False, remove_stop_words=False, max_token_length=None)
"""The words columns already contain stems; Lance only folds their accents."""

VERSION_RETENTION = timedelta(minutes=5)
MAX_FRAGMENTS = 32
MIN_UNINDEXED_ROWS = 2000
ATTEMPTS = 6

_CAUSES = re.compile(
    r"no space left|permission denied|read-only file system|too many open files|access denied|timed? ?out|"
    r"conflict|concurrent|already exists|not found",
    re.IGNORECASE,
)


Result = TypeVar("Result")


class WriteConflict(Transient):
    """Another process changed the same rows or the table's indexes first. Only on an object store."""


class Table(Protocol):
    """What a release reads and writes."""

    is_local: bool
    """Whether writers take turns."""

    def snapshot(self) -> Any | None:
        """The newest version, pinned: every query on it sees the same rows. None if it is empty.

        Raises:
            NoSuchRelease: the release is gone.
            StorageError: the index cannot be read.
        """

    def newest(self) -> Any:
        """The newest version, for writing.

        Raises:
            NoSuchRelease: the release is gone.
            StorageError: the index cannot be read.
        """


class NoTable(Table):
    """The table of an index that nothing was written to."""

    is_local = True

    def snapshot(self) -> Any | None:
        return None

    def newest(self) -> Any:
        raise NoSuchRelease("nothing has been written to the search index yet")


class DocumentTable(Table):
    """One table in a folder or bucket, which need not exist yet."""

    def __init__(self, uri: str, storage_options: dict[str, str] | None = None) -> None:
        self._folder = None if "://" in uri else Path(uri)
        self._uri = uri
        self._options = storage_options
        self._connection: Any = None
        self.is_local = self._folder is not None

    def snapshot(self) -> Any | None:
        with failing_as("read"):
            table = self.newest()
            table.checkout(table.version)
            return table if table.count_rows() else None

    def newest(self) -> Any:
        with failing_as("read"):
            table = self._open()
        if table is None:
            raise NoSuchRelease("this release of the search index is gone")
        return table

    def make(self) -> None:
        """Creates the table, or completes one whose creation was interrupted.

        Raises:
            StorageError: the index cannot be written.
        """
        with failing_as("written"):
            table = self._open()
            if table is None:
                table = self._connected().create_table(TABLE, schema=SCHEMA)
            indexed = {column for index in table.list_indices() for column in index.columns}
            for column in LOOKED_UP:
                if column not in indexed:
                    table.create_index(column, config=BTree())
            for column in WORDS.values():
                if column not in indexed:
                    table.create_index(column, config=WORDS_INDEX)

    def drop(self) -> None:
        """Deletes the table; a missing one is not an error.

        Raises:
            StorageError: the index cannot be written.
        """
        with failing_as("written"):
            if self._folder is None:
                self._connected().drop_table(TABLE, ignore_missing=True)
            elif self._folder.exists():
                shutil.rmtree(self._folder)

    def _open(self) -> Any | None:
        if self._folder is not None and not self._folder.joinpath(f"{TABLE}.lance").exists():
            return None
        try:
            return self._connected().open_table(TABLE)
        except ValueError as error:
            if re.fullmatch(rf"Table '{TABLE}' was not found", str(error)):
                return None
            raise

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = lancedb.connect(self._uri, read_consistency_interval=timedelta(0), storage_options=self._options)
        return self._connection


def compact(table: Any) -> None:
    """Drops hidden rows, merges fragments, updates the indexes, and deletes versions that no reader can still use."""
    if table.count_rows(f"kind = '{TOMBSTONE}'"):
        table.delete(f"kind = '{TOMBSTONE}'")
    table.optimize(cleanup_older_than=VERSION_RETENTION)


def compact_if_due(table: Any) -> None:
    """Compacts when the writes since the last compaction make reads slow.

    Reads open every fragment, and stem the words of every row written since the last compaction: about 15 ms for a thousand
    reports. Compaction rewrites the table, so its threshold grows with the number of rows.
    """
    words = table.index_stats(f"{WORDS['text']}_idx")
    behind = words is None or words.num_unindexed_rows > max(MIN_UNINDEXED_ROWS, words.num_indexed_rows // 10)
    if behind or table.stats()["fragment_stats"]["num_fragments"] >= MAX_FRAGMENTS:
        compact(table)


@contextmanager
def failing_as(action: str) -> Iterator[None]:
    """Turns the library's errors into `StorageError` without their text, which quotes conditions and so patients.

    Raises:
        StorageError: with the error's type and, if known, its cause.
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
    """Runs an idempotent write, again after a pause if another process committed first; returns its result.

    Raises:
        WriteConflict: after `ATTEMPTS` conflicts.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return write()
        except WriteConflict:
            time.sleep(random.uniform(0, attempt))  # noqa: S311
    return write()
