"""One attempt to answer a task: a thread that takes a process, gives it the object and waits for its answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from medsearch_api.backends.tables import ImageSource
from medsearch_api.imaging.errors import RequestError
from medsearch_api.imaging.originals import Originals
from medsearch_core.workers.child import Job
from medsearch_core.workers.process import WorkerProcess


class GivenUp(Exception):
    """The request was given up before its answer."""


class Attempt:
    """A process from its start to its end. `run` blocks, in a thread; `give_up` ends it from any other.

    Args:
        take_worker: returns a process that is the attempt's own.
        job: what the process does with the object.
        max_bytes: of the answer.
    """

    def __init__(
        self,
        take_worker: Callable[[], WorkerProcess],
        originals: Originals,
        source: ImageSource,
        job: Job,
        max_bytes: int,
    ) -> None:
        self._take_worker, self._originals, self._source = take_worker, originals, source
        self._job, self._max_bytes = job, max_bytes
        self._lock = threading.Lock()  # of the next two
        self._is_given_up = False
        self._worker: WorkerProcess | None = None

    def run(self) -> bytes:
        """Return the answer; the process has ended by then.

        Raises:
            GivenUp: the request was given up.
            WorkerEnded: the process ended.
            MedsearchError: as the job and `Originals.copy`; `RequestError` 503, no process can be started.
        """
        worker = self._start()
        try:
            descriptor = os.memfd_create("object")
            try:
                self._originals.copy(self._source, descriptor, self._check)
            except BaseException:
                os.close(descriptor)
                raise
            return worker.call(self._job, [descriptor], self._max_bytes)
        finally:
            worker.kill()
            worker.ended()

    def give_up(self) -> None:
        """End the attempt: its process is killed, and the object is not read further."""
        with self._lock:
            self._is_given_up = True
            if self._worker is not None:
                self._worker.kill()

    def _start(self) -> WorkerProcess:
        with self._lock:
            if self._is_given_up:
                raise GivenUp
            try:
                self._worker = self._take_worker()
            except OSError:
                raise RequestError(503, "No process can be started. Try again.", 5) from None
            return self._worker

    def _check(self) -> None:
        if self._is_given_up:
            raise GivenUp
