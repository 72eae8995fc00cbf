"""Whether the PNGs of thumbnails exist with the recorded size and SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.records import ThumbnailRecord
from medsearch_core.storage.object_store import ObjectStore
from medsearch_pipeline.checks.sampling import sample

SAMPLE = 16
READERS = 16

Pictures = Mapping[StudyKey, Sequence[ThumbnailRecord]]
"""The rows of each study's thumbnails."""


def faults_of_pictures(store: ObjectStore, rows: Pictures, seed: str) -> dict[StudyKey, str]:
    """Problems of the PNGs by study: all PNGs are listed, and a sample is read.

    Args:
        seed: of the sample, so that every run checks different ones.

    Raises:
        StorageError: the store cannot be listed or read.
    """
    with ThreadPoolExecutor(READERS) as readers:
        sizes = dict(zip(rows, readers.map(lambda study: sizes_of(store, study), rows), strict=True))
        faults = faults_by_listing(rows, sizes)
        every = [(study, row) for study, thumbnails in rows.items() for row in thumbnails]
        drawn = [(study, row) for study, row in sample(every, SAMPLE, seed) if study not in faults]
        digests = readers.map(lambda of: digest_at(store, of[1].path), drawn)
        altered = {study for (study, row), digest in zip(drawn, digests, strict=True) if digest != row.sha256}
    return faults | dict.fromkeys(altered, "the bytes of a PNG do not match its SHA-256")


def sizes_of(store: ObjectStore, study: StudyKey) -> dict[str, int]:
    """Path → size in bytes of each file in a study's thumbnail folder. One listing per study keeps the cost proportional to
    the run, not to the warehouse."""
    return {entry.key: entry.bytes for entry in store.list(f"thumbnails/{study.partition}")}


def faults_by_listing(rows: Pictures, sizes: Mapping[StudyKey, Mapping[str, int]]) -> dict[StudyKey, str]:
    """Problems that a listing reveals: missing PNGs, and PNGs of another size."""
    faults = {}
    for study, thumbnails in rows.items():
        missing = sum(row.path not in sizes[study] for row in thumbnails)
        other = sum(row.path in sizes[study] and sizes[study][row.path] != row.bytes for row in thumbnails)
        if missing or other:
            faults[study] = f"of {len(thumbnails)} PNGs {missing} are missing and {other} have another size"
    return faults


def digest_at(store: ObjectStore, path: str) -> str | None:
    """The SHA-256 of a PNG; None if it was deleted since it was listed."""
    try:
        return hashlib.sha256(store.read(path)).hexdigest()
    except ObjectNotFound:
        return None
