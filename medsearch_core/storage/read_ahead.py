"""Reading objects ahead while earlier ones are processed, with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
READERS = 8
BYTES_AHEAD = 64 * 2**20


def read_ahead(
    read: Callable[[Item], bytes], items: Sequence[Item], size: Callable[[Item], int], bytes_ahead: int = BYTES_AHEAD
) -> Iterator[Callable[[], bytes]]:
    """For each item, in order, a function that returns its bytes or raises the error of reading it.

    Args:
        size: bytes of an item, as listed.
        bytes_ahead: maximum bytes that are read ahead. An item larger than that is read when its turn comes.
    """
    reading: deque[tuple[Future[bytes], int]] = deque()
    waiting, held = deque(items), 0
    try:
        while waiting or reading:
            while waiting and len(reading) < READERS and (not reading or held + size(waiting[0]) <= bytes_ahead):
                item = waiting.popleft()
                held += size(item)
                reading.append((_readers().submit(read, item), size(item)))
            first, its = reading.popleft()
            yield first.result
            del first
            held -= its
    finally:
        for future, _ in reading:
            future.cancel()


@cache
def _readers() -> ThreadPoolExecutor:
    """This process's threads, shared: starting a thread costs more than reading a small object."""
    return ThreadPoolExecutor(READERS, "reader")
