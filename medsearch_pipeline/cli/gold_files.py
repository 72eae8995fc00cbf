"""The CSV files that `medsearch evaluate` measures against."""

from __future__ import annotations

import csv
from pathlib import Path

from medsearch_core.errors import ConfigurationError


def read_gold(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; lines that start with # are comments.

    Raises:
        ConfigurationError: it cannot be read, or has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read as a CSV file: {type(error).__name__}") from error
    if not rows:
        raise ConfigurationError(f"{path} has no rows")
    return rows
