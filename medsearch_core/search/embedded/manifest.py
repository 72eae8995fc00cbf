"""The manifest of a release: which segments it consists of, and which of their studies are hidden.

Belongs here: its form on disk, a checksum and JSON. It is replaced as a whole, so a write is visible completely or not at all.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medsearch_core.errors import StorageError
from medsearch_core.search.embedded.durable import replace_file

MANIFEST = "manifest"


@dataclass(frozen=True)
class Part:
    """A segment of a release.

    Args:
        file: name of its file.
        length: of the file, in bytes.
        checksum: of the file's directory.
        hidden: the segment's studies that a later segment replaces or that were deleted, by number, ascending.
    """

    file: str
    length: int
    checksum: int
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """One version of a release. No study is visible in two of its parts."""

    version: int = 0
    parts: tuple[Part, ...] = field(default=())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Makes this the release's version, for all readers at once."""
    parts: list[dict[str, Any]] = [vars(part) for part in manifest.parts]
    text = json.dumps({"version": manifest.version, "parts": parts}).encode()
    replace_file(folder / MANIFEST, b"%08x %s" % (zlib.crc32(text), text))


def parse_manifest(data: bytes) -> Manifest:
    """
    Raises:
        StorageError: this is not what was written.
    """
    checksum, _, text = data.partition(b" ")
    if not text or checksum != b"%08x" % zlib.crc32(text):
        raise StorageError("the manifest of the search index is damaged: run medsearch reindex")
    found = json.loads(text)
    parts = [Part(p["file"], p["length"], p["checksum"], tuple(p["hidden"])) for p in found["parts"]]
    return Manifest(found["version"], tuple(parts))
