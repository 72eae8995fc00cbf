"""The data files in `data/`, and the version of the reader that they determine.

Belongs here: reading the CSV files. What the columns of each mean is said by the module that reads it.
"""

from __future__ import annotations

import csv
import hashlib
from functools import lru_cache
from pathlib import Path

RULES_VERSION = "3"
"""Raised when the code of the reader changes what it reads; the data files speak for themselves."""

FOLDER = Path(__file__).with_name("data")


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one data file."""
    return read_rows(FOLDER / name)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; lines that start with # are comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if line and not line.startswith("#")))


def word_list(name: str) -> frozenset[str]:
    """The folded words of one list of `word_lists.csv`.

    Raises:
        KeyError: there is no such list.
    """
    return _word_lists()[name]


@lru_cache
def _word_lists() -> dict[str, frozenset[str]]:
    return {row["list"]: frozenset(row["words"].split()) for row in rows("word_lists.csv")}


@lru_cache
def ner_version() -> str:
    """The version stored with everything read: the rules' version and a digest of every data file."""
    return version_of(FOLDER)


def version_of(folder: Path) -> str:
    """The version of the rules with the data files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.csv")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"rules-{RULES_VERSION}-{digest.hexdigest()[:10]}"
