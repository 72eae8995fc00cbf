"""`Warehouse`: the location of each study's rows and thumbnails, and whether they are up to date.

`{table}/{patient}/{study}.parquet` has a study's rows, `thumbnails/{patient}/{study}/{image}.png` its thumbnails. A table's
file has the digest of its inputs in its footer and is written last, so an unfinished study has no digest and is redone. The
footer also has the table's version when it was written (`columns.version_of`): a file of an earlier version is read with its
new columns null, and its digest stays valid, until it is rewritten. Two files of one table are equal if their rows, digests and
versions are; the id of the run that wrote a file is not part of its content. Files contain no timestamps.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medsearch_core.columns import FIRST_VERSION, Record, conformed, records_of, schema_of, table_of, version_of
from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import TABLES
from medsearch_core.storage.object_store import ObjectStore

_DIGEST = b"medsearch.inputs"
_VERSION = b"medsearch.schema_version"
_RUN = b"medsearch.run"
_ENTRIES = b"medsearch.entries"

FEW_ROWS = 1000
_FEW: dict[str, Any] = {"compression": "none", "use_dictionary": False, "write_statistics": False}
"""For a study's few rows, dictionaries and statistics would be larger than the data, and take twice the time."""
_MANY: dict[str, Any] = {"compression": "zstd"}

CATALOG_PATH, LEDGER_PATH = "catalogue.parquet", "ledger.parquet"


def study_path(table: str, study: StudyKey) -> str:
    """The path of a study's rows of a table."""
    return f"{table}/{study.partition}.parquet"


def rejections_path(stage: str, study: StudyKey) -> str:
    """The path of one asset's rejections of a study: a folder per asset, so that two assets never write the same file."""
    return f"rejections/{stage}/{study.partition}.parquet"


def thumbnail_path(study: StudyKey, image_id: str) -> str:
    """The path of an image's PNG."""
    return f"thumbnails/{study.partition}/{image_id}.png"


def present_version(path: str) -> int:
    """The current version of the table that a path belongs to."""
    record = TABLES.get(path.split("/", 1)[0].removesuffix(".parquet"))
    return version_of(record) if record else FIRST_VERSION


@dataclass(frozen=True, slots=True)
class Origin:
    """The digest of a file's inputs, and the version of its table when it was written."""

    inputs: str
    version: int

    @property
    def digest(self) -> str:
        """A digest of what determines the file's content: its inputs, and its version if that is not the first."""
        return self.inputs if self.version == FIRST_VERSION else digest_of(str(self.version), self.inputs)


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the warehouse with the metadata of its footer, as returned by `Warehouse.origin` and `run_of`."""

    rows: pa.Table
    origin: Origin | None
    run: str | None
    entries: frozenset[str] = frozenset()

    @property
    def inputs(self) -> str | None:
        """The digest of its inputs."""
        return self.origin.inputs if self.origin else None


class Warehouse:
    """Tables by study over an `ObjectStore`.

    Args:
        run: the id of the Dagster run that writes, for the files' footers; None outside a run.
    """

    def __init__(self, store: ObjectStore, run: str | None = None) -> None:
        self.store = store
        self._run = run

    def write(self, path: str, table: pa.Table, inputs: str = "", entries: Iterable[str] = ()) -> int:
        """Writes a table as one Parquet object with the digest of its inputs; returns its size in bytes.

        Args:
            entries: names of what the table contains, for its footer; `written` returns them with the rows.
        """
        footer = {_DIGEST: inputs.encode(), _VERSION: str(present_version(path)).encode()}
        if self._run is not None:
            footer[_RUN] = self._run.encode()
        names = sorted(entries)
        if names:
            footer[_ENTRIES] = "\n".join(names).encode()
        sink = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(footer), sink, **(_FEW if table.num_rows <= FEW_ROWS else _MANY))
        self.store.write(path, sink.getvalue())
        return sink.tell()

    def write_rows(self, record: type[Record], path: str, rows: list[Record], inputs: str = "") -> int:
        """Writes records as `write` does."""
        return self.write(path, table_of(record, rows), inputs)

    def origin(self, path: str) -> Origin | None:
        """A table's origin; None if it is absent, truncated, or older than the first supported version.

        Reads only the file's footer.
        """
        try:
            return _origin_in(self._footer(path))
        except (ObjectNotFound, pa.ArrowInvalid):
            return None

    def inputs(self, path: str) -> str | None:
        """The digest of a table's inputs, whatever its version; None if `origin` is."""
        origin = self.origin(path)
        return origin.inputs if origin else None

    def run_of(self, path: str) -> str | None:
        """The id of the Dagster run that wrote a table; None if it is absent, or was written outside a run or before runs were
        recorded. A file that exists and cannot be read raises.

        Reads only the file's footer.
        """
        try:
            return _run_in(self._footer(path))
        except ObjectNotFound:
            return None

    def entries(self, path: str) -> frozenset[str]:
        """The names of what a table contains, as passed to `write`; empty if it is absent or cannot be read.

        Reads only the file's footer.
        """
        try:
            return _entries_in(self._footer(path))
        except (ObjectNotFound, pa.ArrowInvalid):
            return frozenset()

    def is_made_from(self, inputs: str, *paths: str) -> bool:
        """Whether each of these tables was made from these inputs, under its current version or a later one."""
        origins = [(self.origin(path), present_version(path)) for path in paths]
        return all(o is not None and o.inputs == inputs and o.version >= present for o, present in origins)

    def row_count(self, path: str) -> int:
        """The number of a table's rows, by its footer; 0 if it does not exist."""
        try:
            with self.store.open(path) as file:
                return pq.read_metadata(file).num_rows
        except ObjectNotFound:
            return 0

    def size_and_origin(self, path: str) -> tuple[int, Origin | None]:
        """`row_count` and `origin` of a table from one read of its footer; (0, None) if it does not exist."""
        try:
            with self.store.open(path) as file:
                footer = pq.read_metadata(file)
        except ObjectNotFound:
            return 0, None
        return footer.num_rows, _origin_in(footer.metadata or {})

    def read(self, path: str) -> pa.Table:
        """A table's rows; empty, in the right schema, if the study has none yet.

        A file that exists and cannot be read raises.
        """
        record = TABLES[path.split("/", 1)[0].removesuffix(".parquet")]
        try:
            table = pq.ParquetFile(pa.BufferReader(self.store.read(path))).read(use_threads=False)
        except ObjectNotFound:
            return schema_of(record).empty_table()
        return table if table.column_names == schema_of(record).names else conformed(record, table)

    def read_rows(self, record: type[Record], path: str) -> list[Record]:
        """A table's rows as records."""
        return records_of(record, self.read(path))

    def written(self, path: str, columns: Sequence[str] | None = None) -> Written:
        """Some columns of a file, or all, and its footer, in one request.

        Raises:
            ObjectNotFound: it does not exist.
            pa.ArrowInvalid: it cannot be read.
        """
        file = pq.ParquetFile(pa.BufferReader(self.store.read(path)))
        footer = file.schema_arrow.metadata or {}
        rows = file.read(None if columns is None else list(columns), use_threads=False)
        return Written(rows, _origin_in(footer), _run_in(footer), _entries_in(footer))

    def columns(self, path: str, names: Sequence[str]) -> pa.Table:
        """Some columns of a large file, fetched without the others; raises like `written`."""
        with self.store.open(path) as file:
            return pq.ParquetFile(file).read(list(names), use_threads=False)

    def remove_others(self, folder: str, keep: Iterable[str]) -> None:
        """Deletes every object in a folder except those to keep."""
        kept = set(keep)
        for entry in list(self.store.list(folder)):
            if entry.key not in kept:
                self.store.delete(entry.key)

    def _footer(self, path: str) -> dict[bytes, bytes]:
        with self.store.open(path) as file:
            return pq.read_schema(file).metadata or {}


def _origin_in(footer: dict[bytes, bytes]) -> Origin | None:
    version = int(footer.get(_VERSION, b"0"))
    return Origin(footer[_DIGEST].decode(), version) if version >= FIRST_VERSION else None


def _entries_in(footer: dict[bytes, bytes]) -> frozenset[str]:
    return frozenset(footer.get(_ENTRIES, b"").decode().split())


def _run_in(footer: dict[bytes, bytes]) -> str | None:
    run = footer.get(_RUN)
    return run.decode() if run is not None else None
