"""One attempt to answer a task: a thread that takes a process, gives it the object and waits for its answer."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress

from medsearch_api.backends.tables import ImageSource
from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.originals import Originals
from medsearch_core.workers.child import Job
from medsearch_core.workers.process import WorkerProcess


class GivenUp(Exception):
    """The request was given up before its answer."""


class Attempt:
    """A process from its start to its end, created on the event loop. `answer` is there before the process has ended.

    Args:
        take_worker: returns a process that is the attempt's own.
        when_ready: called with the process before it gets the object.
        job: what the process does with the object.
        max_bytes: of the answer.
    """

    def __init__(
        self,
        take_worker: Callable[[], WorkerProcess],
        when_ready: Callable[[WorkerProcess], None],
        originals: Originals,
        source: ImageSource,
        job: Job,
        max_bytes: int,
    ) -> None:
        self._take_worker, self._when_ready = take_worker, when_ready
        self._originals, self._source = originals, source
        self._job, self._max_bytes = job, max_bytes
        self._lock = threading.Lock()  # of the next two
        self._is_given_up = False
        self._worker: WorkerProcess | None = None
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        """Raises `WorkerEnded` if the process ended, and the errors of the job and of `Originals.copy`."""

    def start(self, threads: Executor, when_ended: Callable[[], None]) -> None:
        """Run the attempt in a thread.

        Args:
            when_ended: called in that thread when the process has ended, whatever became of it.
        """
        threads.submit(self._run, when_ended)

    def give_up(self) -> None:
        """End the attempt: its process is killed, and the object is not read further."""
        with self._lock:
            self._is_given_up = True
            if self._worker is not None:
                self._worker.kill()

    def _run(self, when_ended: Callable[[], None]) -> None:
        worker: WorkerProcess | None = None
        try:
            worker = self._start()
            self._settle(self._ask(worker), None)
        except Exception as error:  # noqa: BLE001 - the request's, to which it is given
            self._settle(None, error)
        finally:
            if worker is not None:
                worker.ended()
            when_ended()

    def _ask(self, worker: WorkerProcess) -> bytes:
        descriptor = os.memfd_create("object")
        try:
            self._originals.copy(self._source, descriptor, self._check)
            self._when_ready(worker)
        except BaseException:
            os.close(descriptor)
            raise
        return worker.call(self._job, [descriptor], self._max_bytes)

    def _start(self) -> WorkerProcess:
        with self._lock:
            self._check()
            try:
                self._worker = self._take_worker()
            except OSError:
                raise RequestError(503, "No process can be started. Try again.", 5) from None
            return self._worker

    def _check(self) -> None:
        if self._is_given_up:
            raise GivenUp

    def _settle(self, answer: bytes | None, error: Exception | None) -> None:
        """Give the request its answer or error, unless it has gone."""

        def settle() -> None:
            if self.answer.done():
                return
            if error is not None:
                self.answer.set_exception(error)
            elif answer is not None:
                self.answer.set_result(answer)

        with suppress(RuntimeError):  # the event loop has ended, and the request with it
            self.answer.get_loop().call_soon_threadsafe(settle)
