"""A small thread pool for blocking work, with a short queue: excess work is rejected rather than piled up."""

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
    """Runs work in its own threads, so that decoding never takes those that searches need.

    Args:
        threads: number of calls that run at a time.
        queue_size: number of calls that may wait for a thread.
    """

    def __init__(self, threads: int, queue_size: int) -> None:
        self._executor = ThreadPoolExecutor(threads, "imaging")
        self._free = threading.Semaphore(threads + queue_size)

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run `work` in a thread and return its result.

        Raises:
            RequestError: 503, every thread is busy and the queue is full.
        """
        if not self._free.acquire(blocking=False):
            raise RequestError(503, "Too many images are being rendered. Try again.", 1)
        try:
            future = self._executor.submit(work, *args, **kwargs)
        except BaseException:
            self._free.release()
            raise
        future.add_done_callback(self._done)  # also for work whose client disconnected before it started
        return await asyncio.wrap_future(future)

    def _done(self, future: Future[Result]) -> None:
        self._free.release()
