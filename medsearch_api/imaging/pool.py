"""Blocking work off the event loop, in few threads with a short queue: what does not fit is refused, not piled up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from medsearch_api.imaging.errors import RequestError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class WorkPool:
    """Threads of its own, so that decoding never takes those that search needs.

    Args:
        threads: pieces of work done at once.
        queue_size: pieces that may wait for a thread.
    """

    def __init__(self, threads: int, queue_size: int) -> None:
        self._executor = ThreadPoolExecutor(threads, "imaging")
        self._free = threading.Semaphore(threads + queue_size)

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """What `work` returns or raises.

        Raises:
            RequestError: 503, every thread is busy and the queue is full.
        """
        if not self._free.acquire(blocking=False):
            raise RequestError(503, "Too many images are being read now. Try again.", 1)
        try:
            future = self._executor.submit(work, *args, **kwargs)
        except BaseException:
            self._free.release()
            raise
        future.add_done_callback(self._done)  # also of work whose client went away before it began
        return await asyncio.wrap_future(future)

    def _done(self, future: Future[Result]) -> None:
        self._free.release()
