"""Named arrays in one file, mapped into memory for reading.

Belongs here: the form of a segment's file: the arrays one after another, then a directory of their names, types, places and
checksums as JSON, then a fixed end with the directory's place and checksum. Large arrays begin on a page, all others at 64
bytes.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medsearch_core.errors import StorageError
from medsearch_core.search.embedded.durable import write_file

Array = npt.NDArray[Any]

_END = struct.Struct("<8sQQI")
_MAGIC = b"medseg01"
_LARGE = 1 << 20
_CHECKED_ON_OPENING = 1 << 20


@dataclass(frozen=True)
class Stream:
    """An array that is written part by part, so that it need not fit into memory."""

    dtype: str
    shape: tuple[int, ...]
    parts: Callable[[], Iterable[Array]]


Content = Mapping[str, "Array | Stream"]


def write_arrays(path: Path, content: Content, meta: Mapping[str, Any]) -> tuple[int, int]:
    """Writes and syncs a file; returns its length, and the checksum of its directory."""
    directory: dict[str, Any] = {}
    written: list[int] = [0, 0]

    def parts() -> Iterator[bytes | memoryview]:
        place = 0
        for name, array in content.items():
            stream = array if isinstance(array, Stream) else Stream(array.dtype.str, array.shape, lambda a=array: [a])  # type: ignore[misc]
            size = int(np.prod(stream.shape, dtype=np.int64)) * np.dtype(stream.dtype).itemsize
            gap = -place % (mmap.PAGESIZE if size >= _LARGE else 64)
            yield bytes(gap)
            place += gap
            checksum, length = 0, 0
            for part in stream.parts():
                data = np.ascontiguousarray(part, stream.dtype).reshape(-1).view(np.uint8).data
                checksum, length = zlib.crc32(data, checksum), length + len(data)
                yield data
            assert length == size, name  # noqa: S101 - a fault of the caller
            directory[name] = [stream.dtype, list(stream.shape), place, checksum]
            place += size
        text = json.dumps({"arrays": directory, "meta": meta}).encode()
        checksum = zlib.crc32(text)
        end = _END.pack(_MAGIC, place, len(text), checksum)
        written[:] = [place + len(text) + len(end), checksum]
        yield text
        yield end

    write_file(path, parts())
    return written[0], written[1]


class MappedArrays:
    """The arrays of one file. They stay readable after the file was removed, as long as one of them is in use."""

    def __init__(self, path: Path, length: int, checksum: int) -> None:
        """
        Raises:
            StorageError: the file is not the one of this length and checksum, or is damaged. Files of up to 1 MiB are checked
                whole, others by their length and their directory.
            FileNotFoundError: there is no such file.
        """
        handle = os.open(path, os.O_RDONLY)
        try:
            if os.fstat(handle).st_size != length or length < _END.size:
                raise StorageError("a file of the search index is truncated: run medsearch reindex")
            self._map = mmap.mmap(handle, length, access=mmap.ACCESS_READ)
        finally:
            os.close(handle)
        self._length = length
        magic, place, size, found = _END.unpack_from(self._map, length - _END.size)
        text = self._map[place : place + size]
        if magic != _MAGIC or found != checksum or zlib.crc32(text) != checksum:
            raise _damaged()
        described = json.loads(text)
        self.meta: dict[str, Any] = described["meta"]
        self._directory: dict[str, list[Any]] = described["arrays"]
        if length <= _CHECKED_ON_OPENING:
            self.check()

    def __contains__(self, name: str) -> bool:
        return name in self._directory

    def __getitem__(self, name: str) -> Array:
        dtype, shape, place, _ = self._directory[name]
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(self._map, dtype, count, place).reshape(shape)

    def get(self, name: str, dtype: str, length: int = 0) -> Array:
        """An array; one of so many zeros of this type if the file has none of that name."""
        return self[name] if name in self else np.zeros(length, dtype)

    def check(self) -> None:
        """
        Raises:
            StorageError: an array is not what was written.
        """
        for name, (*_, checksum) in self._directory.items():
            if zlib.crc32(self[name].reshape(-1).view(np.uint8).data) != checksum:
                raise _damaged()

    def is_whole(self) -> bool:
        """Whether the file still has its length. Reading a part that was cut off would end the process."""
        return self._map.size() == self._length


def _damaged() -> StorageError:
    return StorageError("a file of the search index is damaged: run medsearch reindex")
