"""Frames' stored values as bytes, several frames at a time: how a worker decodes them, and how its answer is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from medsearch_api.imaging.decoding import ObjectSize, read_displayable
from medsearch_api.imaging.pictures import FIXED_BYTES
from medsearch_core.dicom.transcoding import native_bytes

BATCH_BYTES = 64 * 2**20
BYTES_PER_PIXEL = 12
_COUNT_BYTES = 4


@dataclass(frozen=True, slots=True)
class StoredFramesTask:
    """Frames (1-based) to decode, in order: as many as fit in `BATCH_BYTES`, at least one."""

    frames: tuple[int, ...]
    max_pixels: int

    def needed_bytes(self, size: ObjectSize) -> int:
        """As `Task`."""
        return FIXED_BYTES + 2 * size.bytes + BYTES_PER_PIXEL * size.pixels + 2 * BATCH_BYTES

    def answer(self, file: BinaryIO) -> bytes:
        """As `Task`: the number of frames, then their values, as `native_bytes`."""
        ds = read_displayable(file, self.max_pixels)
        parts, length = [b""], 0
        for frame in self.frames:
            parts.append(native_bytes(ds, frame))
            length += len(parts[-1])
            if length + len(parts[-1]) > BATCH_BYTES:
                break
        parts[0] = (len(parts) - 1).to_bytes(_COUNT_BYTES, "little")
        return b"".join(parts)


def split_frames(answer: bytes) -> Iterator[memoryview]:
    """Yield each frame of a task's answer. All frames of an object have the same size."""
    values, count = memoryview(answer)[_COUNT_BYTES:], int.from_bytes(answer[:_COUNT_BYTES], "little")
    for at in range(count):
        yield values[len(values) * at // count : len(values) * (at + 1) // count]
