"""The processes in which the service decodes: one for each request, ended with it, under limits that hold for all together.

Belongs here: a request's process from its turn to its end, and what its death means for the client. Not here: whose turn it
is (`turns`), and what the process does (`decoding`).
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from medsearch_api.backends.tables import ImageSource
from medsearch_api.http.logs import ERRORS
from medsearch_api.http.metrics import DECODES, OK
from medsearch_api.imaging.attempts import Attempt
from medsearch_api.imaging.decoding import ObjectSize, Task, decode, warm
from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.faulty import FaultyObjects
from medsearch_api.imaging.originals import Originals
from medsearch_api.imaging.turns import TurnTaker, decode_bytes, decode_places, open_turns
from medsearch_api.settings import Settings
from medsearch_core.errors import BadInput, MedsearchError
from medsearch_core.workers.child import Preparation
from medsearch_core.workers.limits import EXTERNAL_EXIT_CODES, OUT_OF_MEMORY, Limits
from medsearch_core.workers.process import WorkerEnded, WorkerProcess, confined_server

MODULES = ("pictures", "values", "stored_frames", "decoding")
PRELOADED = (*(f"medsearch_api.imaging.{name}" for name in MODULES), "medsearch_api.dicomweb.json_text")
PACKAGES = ("medsearch_core", "medsearch_api")
"""Whose code a worker may read."""
MAX_SPARES = 2
"""Processes that wait for a task, about 30 MiB each."""
MORE_MEMORY = (
    "Decoding this image takes more memory than this service allows. Request it smaller, or raise "
    "MEDSEARCH_API_DECODE_MEMORY_GIB."
)
ENDED = "The process that decoded this image was ended from outside. Try again."


class Decoders:
    """Answers tasks about objects, each in a new process that was forked and confined ahead of time.

    The process ends with the task, whether it is answered or given up, so nothing of one object is there when the next comes,
    and no memory stays taken.

    Args:
        originals: where the objects come from.
        settings: limits.
        turns: None for turns of this process alone.
        max_spares: processes that wait for a task.
    """

    def __init__(
        self, originals: Originals, settings: Settings, turns: TurnTaker | None = None, max_spares: int = MAX_SPARES
    ) -> None:
        places = decode_places(settings)
        self._limit_bytes = decode_bytes(settings)
        self._turns = turns or open_turns(settings)
        self._seconds, self._wall_seconds = settings.api_decode_seconds, settings.api_request_seconds
        self._originals = originals
        self._faulty = FaultyObjects()
        self._threads = ThreadPoolExecutor(places, "decoding")
        self._max_spares = min(places, max_spares)
        self._server = confined_server(PRELOADED)
        self._lock = threading.Lock()  # of the next one
        self._spares: deque[WorkerProcess] = deque()
        self._refused: list[str] | None = None

    def warm(self) -> None:
        """Start processes that wait for a task, and the one that they are forked from, without waiting for them."""
        with self._lock, suppress(OSError):  # a task that finds none says so
            while len(self._spares) < self._max_spares:
                self._spares.append(self._start_worker())

    def check_confinement(self) -> None:
        """Learn from a process that waits for a task what the kernel refuses, without waiting for it."""
        with self._lock:
            first = next(iter(self._spares), None)
        if first is not None:
            self._threads.submit(self._tell_once, first)

    @property
    def confinement(self) -> str:
        """`confined`, `partly confined` if the kernel refuses a part of it, or `unknown` before the first process is ready."""
        if self._refused is None:
            return "unknown"
        return "partly confined" if self._refused else "confined"

    def close(self) -> None:
        """End all processes."""
        self._server.close()

    async def answer(self, task: Task, source: ImageSource, user: str) -> bytes:
        """Return a task's answer about an object. If the request is given up, its process is killed.

        Args:
            user: whose turn it takes.

        Raises:
            RequestError: as `Turns.take` and `Originals.read`; 413, it takes more memory than all turns together have;
                503, the process was ended from outside; 504, it took too long.
            BadInput: the object cannot be decoded, ends the process that decodes it, or takes too much processor time.
            MedsearchError: as the task, or a failed read.
        """
        self._faulty.check(task, source)
        usual = task.needed_bytes(ObjectSize(source.bytes, source.rows * source.columns))
        for needed in (min(usual, self._limit_bytes), self._limit_bytes):
            try:
                answer = await self._in_turn(task, source, user, needed)
            except WorkerEnded as end:
                if end.exit_code != OUT_OF_MEMORY or needed == self._limit_bytes:
                    raise self._error(end, task, source) from None
            else:
                DECODES.labels(OK).inc()
                return answer
        raise AssertionError("the last attempt has all of the memory")

    async def _in_turn(self, task: Task, source: ImageSource, user: str, needed: int) -> bytes:
        turn = await self._turns.take(user, needed)
        limits = Limits(self._seconds, needed, int(self._wall_seconds) + 1)
        job = partial(decode, task, limits)
        attempt = Attempt(self._take_worker, self._tell_once, self._originals, source, job, needed)

        def end() -> None:
            self._turns.leave(turn)
            self.warm()

        attempt.start(self._threads, when_ended=end)
        try:
            async with asyncio.timeout(self._wall_seconds):
                return await attempt.answer
        except TimeoutError:
            DECODES.labels("CANCELLED").inc()
            raise RequestError(504, "Decoding this image took too long. Try again.", 5) from None
        except asyncio.CancelledError:
            DECODES.labels("CANCELLED").inc()
            raise
        except MedsearchError:
            DECODES.labels("REFUSED").inc()
            raise
        finally:
            attempt.give_up()

    def _take_worker(self) -> WorkerProcess:
        with self._lock:
            return self._spares.popleft() if self._spares else self._start_worker()

    def _start_worker(self) -> WorkerProcess:
        return self._server.start(Preparation(packages=PACKAGES, rehearse=warm))

    def _tell_once(self, worker: WorkerProcess) -> None:
        """Log what the kernel refused when the first process was confined."""
        if self._refused is not None:
            return
        with suppress(WorkerEnded):
            self._refused = worker.refused
            for name in self._refused:
                ERRORS.warning("this kernel refuses %s: decoding processes are confined without it (ADR 28)", name)

    def _error(self, end: WorkerEnded, task: Task, source: ImageSource) -> MedsearchError:
        """Return what the death of a process means for the client."""
        if end.exit_code in EXTERNAL_EXIT_CODES:
            DECODES.labels("ENDED_FROM_OUTSIDE").inc()
            return RequestError(503, ENDED, 5)
        if end.exit_code == OUT_OF_MEMORY:
            DECODES.labels("MEMORY").inc()
            return RequestError(413, MORE_MEMORY)
        if end.exit_code == -signal.SIGPROF:
            DECODES.labels("PROCESSOR_TIME").inc()
            fault = f"decoding took more than {self._seconds} s of processor time (MEDSEARCH_API_DECODE_SECONDS)"
        else:
            DECODES.labels("CRASH").inc()
            fault = "the process that decoded it crashed"
        ERRORS.error("a decoding process ended (%s)", end.exit_code)
        return self._faulty.add(task, source, BadInput("undecodable_pixel_data", fault))
