"""Thumbnails that worker processes write and this process reads: a ring of batches in shared memory.

It does not use `multiprocessing.shared_memory`, which is in /dev/shm: containers have 64 MB of that by default, and Fargate
cannot increase it.
"""

from __future__ import annotations

import mmap
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from medsearch_core.dicom.thumbnails import decode_png
from medsearch_core.errors import BadInput, ObjectUnreadable
from medsearch_core.keys import StudyKey
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.read_ahead import read_ahead
from medsearch_pipeline.models.preprocessing import letterbox


@dataclass(frozen=True)
class Slot:
    """A thumbnail, and its index in the ring."""

    study: StudyKey
    image_id: str
    path: str
    bytes: int
    index: int


@dataclass(frozen=True)
class BufferHandle:
    """How a worker process finds this process's memory. Each handle is unique, even if a file descriptor is reused."""

    file: str
    shape: tuple[int, int, int, int]
    identity: str


class SharedThumbnailBuffer:
    """Shared memory for uint8 `[count, side, side, 3]`. It is freed with the last array that uses it."""

    def __init__(self, count: int, side: int) -> None:
        shape = (count, side, side, 3)
        self._file = os.memfd_create("pictures")
        os.ftruncate(self._file, int(np.prod(shape)))
        self.handle = BufferHandle(f"/proc/{os.getpid()}/fd/{self._file}", shape, uuid.uuid4().hex)
        self.thumbnails = _map_file(self._file, shape)

    def close(self) -> None:
        """No worker can find it afterwards."""
        os.close(self._file)


@dataclass(frozen=True)
class ThumbnailLoader:
    """The worker's side: decodes PNGs from the store into model inputs in shared memory."""

    store: ObjectStore
    handle: BufferHandle

    def load(self, slots: Sequence[Slot]) -> Iterator[str | None]:
        """Writes each image to its slot and returns None, or its error. The next PNGs are read meanwhile."""
        pictures = _map_buffer(self.handle)
        ahead = read_ahead(lambda slot: self.store.read(slot.path), slots, lambda slot: slot.bytes)
        for slot, read in zip(slots, ahead, strict=True):
            try:
                pictures[slot.index] = letterbox(decode_png(read()), self.handle.shape[1])
            except (BadInput, ObjectUnreadable) as fault:
                yield str(fault)
            else:
                yield None


@lru_cache(maxsize=1)
def _map_buffer(handle: BufferHandle) -> np.ndarray:
    file = os.open(handle.file, os.O_RDWR)
    try:
        return _map_file(file, handle.shape)
    finally:
        os.close(file)


def _map_file(file: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(mmap.mmap(file, int(np.prod(shape))), np.uint8).reshape(shape)
