"""Tables of commands: on a terminal they fit its width; elsewhere nothing is cut or wrapped."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.csv
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

MAX_WIDTH = 100_000


def print_table(console: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], uncut: Sequence[str] = ()) -> None:
    """Prints a table of plain text; None prints as empty.

    Args:
        uncut: Columns that are never wrapped, because people copy from them.
    """
    table = Table()
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in uncut)
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    widest = Measurement.get(console, console.options.update(max_width=MAX_WIDTH), table).maximum
    if uncut or not console.is_terminal:
        console.width = max(console.width, widest)
    console.print(table)


def print_csv(rows: pa.Table) -> None:
    """Prints rows as CSV on standard output."""
    sys.stdout.flush()
    pyarrow.csv.write_csv(rows, sys.stdout.buffer)
    sys.stdout.buffer.flush()
