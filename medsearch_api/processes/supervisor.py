"""The supervisor: it forks the workers and the coordinator, starts those again that die, and ends them all.

It has one thread, answers nothing and opens nothing, so that forking is safe at any time and there is little in it that fails.
"""

from __future__ import annotations

import gc
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from medsearch_api.processes.coordinator import CONNECT
from medsearch_api.processes.restarts import Restarts
from medsearch_api.processes.server import MARGIN_SECONDS
from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.children import ended_children

LOG = logging.getLogger("medsearch.processes")
READY = b"ready"
FAILED = b"failed "
MAX_STATUS_BYTES = 2**16
EARLY_SECONDS = 2.0
MAX_EARLY_ENDS = 3
"""A coordinator that ends so early would do so again, if no worker has served yet, or if it did so before."""
ENDING = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Ends:
    """What a worker has of the supervisor's.

    Args:
        listener: the socket on which all workers accept connections.
        coordinator: its connection to the coordinator.
        status: where it writes `READY`, or `FAILED` and why.
        lifeline: a pipe whose other end only the supervisor has.
    """

    listener: socket.socket
    coordinator: socket.socket
    status: int
    lifeline: int


@dataclass(slots=True)
class _Worker:
    pid: int
    status: int
    started_at: float
    is_ready: bool = False


class Supervisor:
    """The processes of one service, until SIGTERM or Ctrl-C.

    Args:
        count: number of workers.
        work: what a worker does; it ends by SIGTERM.
        coordinate: what the coordinator does until the other end of its socket is closed.
        listener: closed as soon as the end begins.
        shutdown_seconds: that the workers get to finish their requests.
        when_ended: called with the process ID of a worker or coordinator that has ended.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[Ends], None],
        coordinate: Callable[[socket.socket], None],
        listener: socket.socket,
        shutdown_seconds: float,
        when_ended: Callable[[int], None] = lambda pid: None,
    ) -> None:
        self._work, self._coordinate, self._listener = work, coordinate, listener
        self._shutdown_seconds, self._when_ended = shutdown_seconds, when_ended
        self._slots: list[_Worker | None] = [None] * count
        self._restarts = Restarts(count)
        self._coordinator, self._coordinator_started_at, self._control = 0, 0.0, socket.socket()
        self._early_ends = 0
        self._dying: set[int] = set()
        self._lifeline, self._own_lifeline = os.pipe()
        self._wakeup, self._own_wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._own_wakeup, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakeup, selectors.EVENT_READ)

    def run(self) -> None:
        """Start everything and look after it.

        Raises:
            ConfigurationError: the first worker cannot start with these settings, or the coordinator cannot run.
        """
        signal.set_wakeup_fd(self._own_wakeup)
        for number in (*ENDING, signal.SIGCHLD):
            signal.signal(number, _note)
        gc.freeze()  # so that the pages of what is loaded stay shared
        LOG.info("serving with %s worker processes on port %s", len(self._slots), self._listener.getsockname()[1])
        try:
            self._start_coordinator()
            self._start_worker(0)
            while not self._is_told_to_end():
                self._reap()
                self._read_statuses()
                self._start_due_workers()
        finally:
            self._end()

    def _start_due_workers(self) -> None:
        """Start what is missing. The others wait for the first worker: it would be one failure for each of them."""
        is_proven, now = self._restarts.is_proven, time.monotonic()
        for slot, worker in enumerate(self._slots):
            if worker is None and self._restarts.is_due(slot, now) and (slot == 0 or is_proven):
                try:
                    self._start_worker(slot)
                except OSError as error:
                    seconds = self._restarts.note_end(slot, now, now)
                    LOG.error("no worker process can be started (%s): tried again in %s s", error.strerror, seconds)

    def _start_coordinator(self) -> None:
        self._control.close()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

        def coordinate() -> None:
            self._control.close()
            self._listener.close()
            self._coordinate(theirs)

        self._coordinator, self._coordinator_started_at = self._fork(coordinate), time.monotonic()
        theirs.close()

    def _start_worker(self, slot: int) -> None:
        status, own_status = os.pipe()
        os.set_blocking(status, False)
        connection, theirs = socket.socketpair()
        with connection, theirs:
            with suppress(OSError):  # the coordinator has died, which the next round finds out
                socket.send_fds(self._control, [CONNECT], [theirs.fileno()])
            theirs.close()

            def work() -> None:
                os.close(status)
                self._control.close()
                self._work(Ends(self._listener, connection, own_status, self._lifeline))

            try:
                self._slots[slot] = _Worker(self._fork(work), status, time.monotonic())
            except OSError:
                os.close(status)
                raise
            finally:
                os.close(own_status)
        self._restarts.note_start(slot)
        self._selector.register(status, selectors.EVENT_READ, slot)

    def _fork(self, work: Callable[[], None]) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._selector.close()
            for own in (self._wakeup, self._own_wakeup, self._own_lifeline, *(w.status for w in self._slots if w)):
                os.close(own)
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - the process ends; its message may contain data
            LOG.error("a process failed: %s", type(error).__name__)
        finally:
            logging.shutdown()
            os._exit(code)

    def _is_told_to_end(self) -> bool:
        """Wait for a signal, a status, or a restart that is due; whether a signal says to end."""
        self._selector.select(self._restarts.seconds_until_due(time.monotonic()))
        return any(number in ENDING for number in self._signals())

    def _signals(self) -> bytes:
        with suppress(BlockingIOError):
            return os.read(self._wakeup, 4096)
        return b""

    def _read_statuses(self) -> None:
        for slot, worker in enumerate(self._slots):
            if worker is not None and not worker.is_ready:
                self._read_status(slot, worker)

    def _read_status(self, slot: int, worker: _Worker) -> None:
        with suppress(BlockingIOError):
            status = os.read(worker.status, MAX_STATUS_BYTES)
            if status == READY:
                worker.is_ready = self._restarts.is_proven = True
                self._selector.unregister(worker.status)
            elif status.startswith(FAILED):
                message = status.removeprefix(FAILED).decode()
                if not self._restarts.is_proven:
                    raise ConfigurationError(message)
                LOG.error("a worker process cannot start: %s", message)

    def _reap(self) -> None:
        for pid, code in ended_children():
            self._note_end(pid, code)

    def _note_end(self, pid: int, code: int) -> None:
        if pid == self._coordinator:
            self._when_ended(pid)
            is_early = time.monotonic() - self._coordinator_started_at < EARLY_SECONDS
            self._early_ends = self._early_ends + 1 if is_early else 0
            if self._early_ends > (MAX_EARLY_ENDS if self._restarts.is_proven else 0):
                raise ConfigurationError(f"The service cannot run: its coordinator ended at once ({code}). See its log.")
            LOG.error("the coordinator ended (%s): all worker processes are started again, and users sign in again", code)
            for worker in self._slots:
                if worker is not None:
                    self._dying.add(worker.pid)
                    os.kill(worker.pid, signal.SIGTERM)
            self._start_coordinator()
            return
        for slot, worker in enumerate(self._slots):
            if worker is not None and worker.pid == pid:
                self._read_status(slot, worker)
                self._forget(slot, worker)
                if pid in self._dying:
                    self._dying.remove(pid)
                    return
                if not self._restarts.is_proven:
                    raise ConfigurationError(f"The service cannot start: its first worker process ended ({code}). See its log.")
                seconds = self._restarts.note_end(slot, worker.started_at, time.monotonic())
                LOG.error("a worker process ended (%s): another is started in %s s", code, seconds)

    def _forget(self, slot: int, worker: _Worker) -> None:
        with suppress(KeyError):
            self._selector.unregister(worker.status)
        os.close(worker.status)
        self._slots[slot] = None
        self._when_ended(worker.pid)

    def _end(self) -> None:
        """End all processes: the workers when they have finished or their time is over, then the coordinator."""
        gc.unfreeze()
        self._listener.close()
        for worker in self._slots:
            if worker is not None:
                os.kill(worker.pid, signal.SIGTERM)
        deadline = time.monotonic() + self._shutdown_seconds + MARGIN_SECONDS
        while self._reap_at_the_end() and time.monotonic() < deadline:
            self._selector.select(max(0.0, deadline - time.monotonic()))
            if signal.SIGINT in self._signals():  # a second Ctrl-C
                break
        for worker in self._slots:
            if worker is not None:
                os.kill(worker.pid, signal.SIGKILL)
                os.waitpid(worker.pid, 0)
        self._control.close()
        with suppress(ChildProcessError):
            os.waitpid(self._coordinator, 0)

    def _reap_at_the_end(self) -> bool:
        """Whether there are workers left."""
        for slot, worker in enumerate(self._slots):
            if worker is not None and os.waitpid(worker.pid, os.WNOHANG)[0]:
                self._forget(slot, worker)
        return any(self._slots)


def _note(*_: object) -> None:
    """A handler that leaves the signal's number to the wakeup pipe."""
