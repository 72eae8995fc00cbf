"""A pool of workers for untrusted bytes, which may crash or hang a decoder or exhaust memory.

A crash, hang or out-of-memory costs only that item: its worker is replaced and the item is reported. If a process was ended
from outside, or waited too long for a store, its item is not to blame. Pixels are not passed between processes: a worker reads
from the store and writes to it, or into shared memory.
"""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from medsearch_core.batched import batched
from medsearch_core.errors import ConfigurationError
from medsearch_core.workers.child import Preparation, within
from medsearch_core.workers.limits import EXTERNAL_EXIT_CODES, ItemFailure, Limits
from medsearch_core.workers.process import WorkerEnded, WorkerProcess, WorkerServer

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Up to `count` processes, each started when it is needed and kept until `close`.

    Args:
        server: forks them.
        packages: whose code the workers may read; None for workers that are not confined, and have this process's environment.
    """

    def __init__(self, count: int, limits: Limits, server: WorkerServer, packages: Sequence[str] | None = None) -> None:
        self._limits, self._server, self._packages = limits, server, packages
        self._own = threading.local()
        self._lock = threading.Lock()  # of the next two
        self._running: set[WorkerProcess] = set()
        self._is_closed = False
        self._threads = ThreadPoolExecutor(count, "worker")

    def map(
        self, function: Callable[[Sequence[Item]], Iterator[Result]], items: Iterable[Item], chunk: int, ahead: int
    ) -> Iterator[tuple[Item, Result | ItemFailure]]:
        """Every item with its result, in order. Exceptions of the function are raised here.

        Args:
            function: of a module, or a method of a picklable object; returns a result for each item of a chunk.
            chunk: items per call.
            ahead: maximum items in progress; at least one chunk.

        Raises:
            ConfigurationError: no worker can be started.
        """
        chunks = batched(items, chunk)
        running: deque[tuple[list[Item], Future[list[Result | ItemFailure]]]] = deque()
        taken = 0
        try:
            while True:
                while taken + chunk <= max(ahead, chunk) and (some := next(chunks, None)):
                    running.append((some, self._threads.submit(self._run_chunk, function, some)))
                    taken += len(some)
                if not running:
                    return
                some, future = running.popleft()
                yield from zip(some, future.result(), strict=True)
                taken -= len(some)
        finally:
            for _, future in running:
                future.cancel()

    def close(self) -> None:
        """Ends the processes, even during an item, and returns when they have exited."""
        with self._lock:
            self._is_closed = True
            running = [*self._running]
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in running:
            worker.kill()  # it may hang; its writes are atomic
        self._threads.shutdown()
        for worker in running:
            worker.ended()

    def _run_chunk(
        self, function: Callable[[Sequence[Item]], Iterator[Result]], items: list[Item]
    ) -> list[Result | ItemFailure]:
        """Runs in a thread with its own process, so that a crash has one cause.

        If a worker died, each of its items is retried alone, to separate its own fault from that of another item or the
        machine.
        """
        found = self._in_process(function, items)
        if not isinstance(found, ItemFailure):
            return found
        alone = [self._in_process(function, [item]) for item in items]
        return [one if isinstance(one, ItemFailure) else one[0] for one in alone]

    def _in_process(
        self, function: Callable[[Sequence[Item]], Iterator[Result]], items: list[Item]
    ) -> list[Result | ItemFailure] | ItemFailure:
        worker = self._worker()
        try:
            results, error = pickle.loads(worker.call(partial(_results, function, items, self._limits)))  # noqa: S301
        except WorkerEnded as end:
            self._own.worker = None
            with self._lock:
                self._running.discard(worker)
                if self._is_closed:
                    raise CancelledError from None
            return ItemFailure(self._limits, end.exit_code not in EXTERNAL_EXIT_CODES)
        if error is not None:
            raise error
        return list(results)

    def _worker(self) -> WorkerProcess:
        worker: WorkerProcess | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = self._start_worker()
        return worker

    def _start_worker(self) -> WorkerProcess:
        environment = dict(os.environ) if self._packages is None else {}
        fault = ""
        try:
            worker = self._server.start(Preparation(self._limits.bytes, environment, self._packages))
            _ = worker.refused
        except (WorkerEnded, OSError) as error:
            fault = type(error).__name__
        if fault:
            raise ConfigurationError(
                f"a decoding process cannot be started ({fault}): check free memory and file descriptors, "
                f"and whether its limit of {self._limits.bytes / 2**30:g} GiB is enough"
            )
        with self._lock:
            if not self._is_closed:
                self._running.add(worker)
                return worker
        worker.ended()
        raise CancelledError


def _results(function: Callable[[Sequence[Any]], Iterator[Any]], items: Sequence[Any], limits: Limits) -> bytes:
    """The pickled results, each made within the limits, and the function's error. Runs in a worker."""
    results, found = [], function(items)
    try:
        for _ in items:
            with within(limits):
                results.append(next(found))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - raised by the owner
        error.add_note("".join(traceback.format_tb(error.__traceback__)))
        return pickle.dumps(([], error))
    return pickle.dumps((results, None), pickle.HIGHEST_PROTOCOL)
