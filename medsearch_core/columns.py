"""The columns of the data contract: what describes one, and the Arrow schema, table and rows that a record's columns make.

Belongs here: everything that holds for any record. Which records there are and what their columns mean is `records`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, field, fields
from functools import cache
from typing import Any, TypeVar

import pyarrow as pa

FIRST_VERSION = 2
"""The version of every table's first columns. Files of an earlier version are not read."""

TEXT, COUNT, REAL, FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
TEXTS, REALS, COUNTS = pa.list_(pa.string()), pa.list_(pa.float64()), pa.list_(pa.int64())

Record = TypeVar("Record")


def column(
    type_: pa.DataType,
    description: str,
    *,
    phi: bool = False,
    default: Any = MISSING,
    since: int = FIRST_VERSION,
    dicom: str | None = None,
    macros: Sequence[str] = (),
    label: str | None = None,
    unit: str | None = None,
) -> Any:
    """A record's field with its Arrow type. A column that may be null has `default=None`.

    Args:
        phi: whether it identifies a person or contains report text.
        since: the first version of its table that has it as it is now. The highest in a record is its table's version.
        dicom: the keyword of the attribute that it copies, for every image.
        macros: the functional group macros in which a multi-frame object may have that attribute for each frame: it is read
            from the first of them that has it, else from the object itself.
        label: the label shown to users. Image attributes with a label are shown on the page and in the API.
        unit: the unit of a labeled number.
    """
    if phi and label:
        raise ValueError(f"a column that identifies a person must not have a label: {description}")
    metadata = {
        "type": type_,
        "description": description,
        "phi": phi,
        "nullable": default is None,
        "since": since,
        "dicom": dicom,
        "macros": tuple(macros),
        "label": label,
        "unit": unit,
    }
    return field(default=default, metadata=metadata)


@cache
def version_of(record: type) -> int:
    """The version of a record's table. Files of an earlier version are read with new columns null until they are rewritten."""
    return max(f.metadata["since"] for f in fields(record))


@cache
def schema_of(record: type) -> pa.Schema:
    """The Arrow schema of a table of these records, column descriptions included."""
    return pa.schema(
        [
            pa.field(f.name, f.metadata["type"], f.metadata["nullable"], {"description": f.metadata["description"]})
            for f in fields(record)
        ]
    )


def table_of(record: type[Record], rows: list[Record]) -> pa.Table:
    """Rows as an Arrow table in the record's schema; an empty list gives an empty table."""
    names = [f.name for f in fields(record)]  # type: ignore[arg-type]
    return pa.Table.from_pylist([{n: getattr(row, n) for n in names} for row in rows], schema=schema_of(record))  # type: ignore[arg-type]


def conformed(record: type, table: pa.Table) -> pa.Table:
    """A table with the record's columns in order; columns that were added after it was written get their default."""
    default = {f.name: None if f.default is MISSING else f.default for f in fields(record)}
    columns = [
        table[f.name].cast(f.type)
        if f.name in table.column_names
        else pa.repeat(pa.scalar(default[f.name], f.type), len(table))
        for f in schema_of(record)
    ]
    return pa.table(columns, schema_of(record))


def records_of(record: type[Record], table: pa.Table) -> list[Record]:
    """The rows of an Arrow table as records."""
    return [record(**row) for row in table.to_pylist()]
