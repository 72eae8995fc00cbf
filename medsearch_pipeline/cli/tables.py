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


def print_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    uncut: Sequence[str] = (),
    has_whole_words: bool = False,
) -> None:
    """Prints a table of plain text; None prints as empty.

    Args:
        uncut: Columns that are never wrapped, because people copy from them.
        has_whole_words: Whether lines break between words alone, where the terminal is wide enough for that.
    """
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    table = Table()
    texts = list(zip(columns, *cells, strict=True))
    widths = fit_widths(texts, console.width - 1 - 3 * len(texts)) if has_whole_words else [None] * len(texts)
    for name, width in zip(columns, widths, strict=True):
        table.add_column(name, overflow="fold", no_wrap=name in uncut, width=width)
    for row in cells:
        table.add_row(*map(Text, row))
    widest = Measurement.get(console, console.options.update(max_width=MAX_WIDTH), table).maximum
    if uncut or not console.is_terminal:
        console.width = max(console.width, widest)
    console.print(table)


def fit_widths(columns: Sequence[Sequence[str]], room: int) -> Sequence[int | None]:
    """The width of each column in which no word breaks and all lines fit; without one where there is no room for that.

    What room is left goes to the narrowest column that needs it, one character at a time.
    """
    needed = [max(map(len, column)) for column in columns]
    widths = [max((len(word) for text in column for word in text.split()), default=0) for column in columns]
    if sum(widths) > room:
        return [None] * len(columns)
    for _ in range(min(room, sum(needed)) - sum(widths)):
        widths[min((width, i) for i, width in enumerate(widths) if width < needed[i])[1]] += 1
    return widths


def print_csv(rows: pa.Table) -> None:
    """Prints rows as CSV on standard output."""
    sys.stdout.flush()
    pyarrow.csv.write_csv(rows, sys.stdout.buffer)
    sys.stdout.buffer.flush()
