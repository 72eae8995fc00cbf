"""The data files beside this module, and the version of the reader that they determine.

Belongs here: reading the CSV files. What their columns mean is told where they are used: `headers.csv` in `sections`;
`vocabulary.csv`, `vocabulary_icd10cm.csv`, `codes.csv`, `normals.csv` and `senses.csv` in `vocabulary`; `context.csv` in
`assertion`, `qualifiers.csv` in `qualifiers`, `chapters.csv` in `chapters`, `findings.csv` in `evaluate`.
"""

from __future__ import annotations

import csv
import hashlib
from functools import lru_cache
from pathlib import Path

RULES_VERSION = "2"
"""Raised when the code of the reader changes what it reads; the data files speak for themselves."""

FILES = (
    "chapters.csv",
    "codes.csv",
    "context.csv",
    "headers.csv",
    "normals.csv",
    "qualifiers.csv",
    "senses.csv",
    "vocabulary.csv",
    "vocabulary_icd10cm.csv",
)


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one data file; lines that start with # are comments."""
    lines = _path(name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if line and not line.startswith("#")))


@lru_cache
def ner_version() -> str:
    """The version stored with everything read: the rules' version and a digest of every data file."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(name.encode() + b"\0" + _path(name).read_bytes() + b"\0")
    return f"rules-{RULES_VERSION}-{digest.hexdigest()[:10]}"


def _path(name: str) -> Path:
    return Path(__file__).with_name(name)
