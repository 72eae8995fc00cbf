"""Worker processes for untrusted bytes, which may crash or hang a decoder or exhaust memory.

A crash, hang or out-of-memory costs only that item: its worker is replaced and the item is reported. If a process was ended
from outside, or waited too long for a store, its item is not to blame. Pixels are not passed between processes: a worker reads
from the store and writes to it, or into shared memory (`shared_thumbnails`).
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from medsearch_core.batched import batched
from medsearch_core.cpus import available_cpus
from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.settings import Settings

Item = TypeVar("Item")
Result = TypeVar("Result")

PRELOADED = [__name__, "medsearch_pipeline.studies.dicom_objects", "medsearch_pipeline.workers.shared_thumbnails"]
"""Imported once, by the process that forks the workers."""


ALLOCATION = {-1: 256 * 2**20, -3: 32 * 2**20, -8: 1}
"""For mallopt(3): M_TRIM_THRESHOLD, free memory allowed at the end of the heap; M_MMAP_THRESHOLD, at its maximum;
M_ARENA_MAX."""


EXTERNAL_EXIT_CODES = frozenset({None, 255, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, -signal.SIGALRM})
"""Exit codes of a worker ended from outside: by the kernel (out of memory), a person, or the wall clock; 255 is unknown."""


@dataclass(frozen=True)
class Limits:
    """Limits for one item.

    Args:
        seconds: CPU time.
        bytes: memory, including the worker's own.
        wall_seconds: wall-clock time, longer than any store's timeout.
    """

    seconds: int
    bytes: int
    wall_seconds: int = 1800


@dataclass(frozen=True)
class ItemFailure:
    """In place of a result: two workers died while processing this item.

    Args:
        is_items_fault: whether the item caused it, so that another attempt would fail too.
    """

    limits: Limits
    is_items_fault: bool

    @property
    def detail(self) -> str:
        """The failure in one sentence."""
        if self.is_items_fault:
            return (
                f"its decoding crashed, took more than {self.limits.seconds} s "
                f"or needed more than {self.limits.bytes / 2**30:g} GiB of memory"
            )
        return (
            "the processes that decoded it were ended from outside (is there enough memory?) "
            f"or waited for more than {self.limits.wall_seconds} s"
        )


@dataclass(frozen=True)
class _Worker:
    """A process, and the executor that gives it work."""

    pool: ProcessPoolExecutor
    process: BaseProcess

    def ended(self) -> int | None:
        """Its exit code, once it has died; releases its resources."""
        self.pool.shutdown(wait=True)
        return self.process.exitcode


class Workers:
    """Up to `count` processes, each started when it is needed and kept until `close`."""

    def __init__(self, count: int, limits: Limits) -> None:
        self._limits = limits
        self._own = threading.local()
        self._lock = threading.Lock()  # of the next two
        self._running: set[_Worker] = set()
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
            worker.process.kill()  # it may hang; its writes are atomic
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
            return [*worker.pool.submit(_in_worker, function, items, self._limits).result()]
        except BrokenProcessPool:
            self._own.worker = None
            with self._lock:
                self._running.discard(worker)
                if self._is_closed:
                    raise CancelledError from None
            return ItemFailure(self._limits, worker.ended() not in EXTERNAL_EXIT_CODES)

    def _worker(self) -> _Worker:
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = self._start_worker()
        return worker

    def _start_worker(self) -> _Worker:
        pool, fault = ProcessPoolExecutor(1, _context(), _prepare, (self._limits.bytes, dict(os.environ))), ""
        try:
            pool.submit(int).result()
            (process,) = pool._processes.values()
        except (BrokenProcessPool, OSError) as error:
            fault = type(error).__name__
        if fault:
            pool.shutdown(wait=True)
            raise ConfigurationError(
                f"a decoding process cannot be started ({fault}): check free memory and file descriptors, "
                f"and whether its limit of {self._limits.bytes / 2**30:g} GiB is enough"
            )
        worker = _Worker(pool, process)
        with self._lock:
            if not self._is_closed:
                self._running.add(worker)
                return worker
        worker.ended()
        raise CancelledError


def decoding_workers(settings: Settings) -> Workers:
    """The workers of a deployment, shared by all steps of a process and ended with it."""
    _close_at_exit()
    count = settings.decode_workers or available_cpus()
    limits = Limits(settings.decode_seconds, int(settings.decode_memory_gib * 2**30))
    return _shared_workers.setdefault((count, limits), Workers(count, limits))


def close_workers() -> None:
    """Ends the workers of this process. New ones, with the environment at that time, start when needed."""
    while _shared_workers:
        _shared_workers.popitem()[1].close()


_shared_workers: dict[tuple[int, Limits], Workers] = {}


@cache
def _close_at_exit() -> None:
    """A run is a child of `multiprocessing`, which joins its own children on exit, before `atexit` functions run.

    The workers must end before that, and before their queues are closed (priority 10).
    """
    Finalize(None, close_workers, exitpriority=100)


@cache
def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _prepare(max_bytes: int, environment: dict[str, str]) -> None:
    """A worker's first step. The output of codecs is discarded, because it may contain data."""
    os.environ.update(environment)
    threadpool_limits(1, "blas")  # one worker per CPU is enough
    _disable_malloc_trim()
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_DATA, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _disable_malloc_trim() -> None:
    """Keeps freed memory in the process: each object needs about as much as the last, and page faults are slow."""
    libc = ctypes.CDLL(None)
    for option, amount in ALLOCATION.items():
        libc.mallopt(option, amount)


def _exit_with_parent() -> None:
    """Without this, a worker whose parent was killed would wait for its next call forever."""
    if owner := multiprocessing.parent_process():
        owner.join()
        os._exit(1)


def _in_worker(function: Callable[[Sequence[Any]], Iterator[Any]], items: Sequence[Any], limits: Limits) -> list[Any]:
    """The results, each within the time limit: the timer's signal ends the process anywhere, even in a codec's loop.

    Running out of memory ends it too, because a codec may be left in an undefined state.
    """
    results, found = [], function(items)
    try:
        for _ in items:
            signal.setitimer(signal.ITIMER_PROF, limits.seconds)
            signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)
            results.append(next(found))
    except MemoryError:
        os._exit(1)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    return results
