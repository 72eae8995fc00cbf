"""Worker processes for work on untrusted bytes, which may crash a decoder, hang it or fill the memory.

What does that is lost alone: its process dies, the item is named, and a new process takes the next. A process that somebody
else ended, or that waited for a store without end, says nothing against its item. Pixels do not cross: a worker reads from the
store and writes to it, or into memory that it shares (`shared_thumbnails`).
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
"""Imported once, by the process that workers are forked from."""


ALLOCATION = {-1: 256 * 2**20, -3: 32 * 2**20, -8: 1}
"""Of mallopt(3): M_TRIM_THRESHOLD, what may lie free at the end of the heap; M_MMAP_THRESHOLD, at its highest; M_ARENA_MAX."""


EXTERNAL_EXIT_CODES = frozenset({None, 255, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, -signal.SIGALRM})
"""Exit codes of a worker that no codec ended: the kernel, for want of memory, a person, or the clock; 255 is an unknown one."""


@dataclass(frozen=True)
class Limits:
    """What one item may take.

    Args:
        seconds: of a processor's time.
        bytes: of memory, its worker's own included.
        wall_seconds: seconds by the clock, in which a store has long given up.
    """

    seconds: int
    bytes: int
    wall_seconds: int = 1800


@dataclass(frozen=True)
class ItemFailure:
    """Instead of a result: two workers died over this item.

    Args:
        is_items_fault: whether the item did it, so that another try would end likewise.
    """

    limits: Limits
    is_items_fault: bool

    @property
    def detail(self) -> str:
        """The fault in one sentence."""
        if self.is_items_fault:
            return (
                f"its decoding crashed, took more than {self.limits.seconds} s "
                f"or needed more than {self.limits.bytes / 2**30:g} GiB of memory"
            )
        return (
            "the processes that decoded it were ended from outside (is there memory enough?) "
            f"or waited for more than {self.limits.wall_seconds} s"
        )


@dataclass(frozen=True)
class _Worker:
    """A process, and what hands it work."""

    pool: ProcessPoolExecutor
    process: BaseProcess

    def ended(self) -> int | None:
        """Its exit code, once it has died; what belonged to it is given back."""
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
        """Every item with its result, in order. What the function raises is raised here.

        Args:
            function: a module's own, or of an object that can be pickled; gives a result for each of some items.
            chunk: items that one call is given.
            ahead: items taken and not yet given back, at most; never less than a chunk.

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
        """Ends the processes, in the middle of an item too, and returns when they are gone."""
        with self._lock:
            self._is_closed = True
            running = [*self._running]
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in running:
            worker.process.kill()  # it may hang; what it writes is whole or not there
        self._threads.shutdown()
        for worker in running:
            worker.ended()

    def _run_chunk(
        self, function: Callable[[Sequence[Item]], Iterator[Result]], items: list[Item]
    ) -> list[Result | ItemFailure]:
        """In a thread that has a process of its own, so that a death has one cause.

        Where a worker died, each of its items is tried again alone: what was another's fault, or the machine's, is not its own.
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
                f"a process that decodes images cannot be started ({fault}): are there memory and file descriptors for it, "
                f"and are the {self._limits.bytes / 2**30:g} GiB that its settings give it enough?"
            )
        worker = _Worker(pool, process)
        with self._lock:
            if not self._is_closed:
                self._running.add(worker)
                return worker
        worker.ended()
        raise CancelledError


def decoding_workers(settings: Settings) -> Workers:
    """Those of a deployment, which all steps of a process share and which end with it."""
    _close_at_exit()
    count = settings.decode_workers or available_cpus()
    limits = Limits(settings.decode_seconds, int(settings.decode_memory_gib * 2**30))
    return _shared_workers.setdefault((count, limits), Workers(count, limits))


def close_workers() -> None:
    """Ends the workers of this process. New ones, with the environment as it is then, start when they are needed."""
    while _shared_workers:
        _shared_workers.popitem()[1].close()


_shared_workers: dict[tuple[int, Limits], Workers] = {}


@cache
def _close_at_exit() -> None:
    """A run is a child of `multiprocessing`, which joins its own children at its end, before any function of `atexit`.

    The workers end before that, and before the queues that they are told by are closed (priority 10).
    """
    Finalize(None, close_workers, exitpriority=100)


@cache
def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _prepare(max_bytes: int, environment: dict[str, str]) -> None:
    """A worker's first step. What codecs print is thrown away: it may hold data."""
    os.environ.update(environment)
    threadpool_limits(1, "blas")  # one worker for each processor is enough
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
    """One object after another takes as much memory as the last: what is freed is not given back and asked for page by page."""
    libc = ctypes.CDLL(None)
    for option, amount in ALLOCATION.items():
        libc.mallopt(option, amount)


def _exit_with_parent() -> None:
    """A worker whose owner was killed would wait for its next call for ever."""
    if owner := multiprocessing.parent_process():
        owner.join()
        os._exit(1)


def _in_worker(function: Callable[[Sequence[Any]], Iterator[Any]], items: Sequence[Any], limits: Limits) -> list[Any]:
    """The results, each within its time: the timer's signal ends the process wherever it is, in a codec's loop too.

    So does a lack of memory, after which nobody knows what a codec left half done.
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
