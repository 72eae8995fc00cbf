"""The process that imports what workers need, once, and forks them. It does nothing else, and has one thread."""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from threadpoolctl import threadpool_limits

from medsearch_core.machine.children import ended_children
from medsearch_core.workers.child import work
from medsearch_core.workers.confinement import installed_code

START = b"start"
FORK_FAILED = 1
FIRST_FILE = 3


def serve(descriptor: int, *modules: str) -> None:
    """Forks a worker for each message on this socket, and returns when the owner has closed its side.

    A module's function `warm`, if it has one, is called once: for what is otherwise loaded or built at the first use.
    Each message comes with two sockets: the worker's channel, and this server's line to the owner about the worker. On the
    line, the server sends the worker's process ID, later its exit code; any message or the end of the line kills the worker.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in map(import_module, modules):
        getattr(module, "warm", int)()
    threadpool_limits(1, "blas")  # one worker per CPU is enough
    installed_code()
    gc.freeze()
    Server(socket.socket(fileno=descriptor)).run()


class Server:
    """The sockets of the owner and of the living workers."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._own_pid = os.getpid()
        self._lines: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._deaths, wakeup = os.pipe()
        os.set_blocking(self._deaths, False)
        os.set_blocking(wakeup, False)
        self._selector.register(self._deaths, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup)

    def run(self) -> None:
        """Serves until the owner is gone; the kernel then kills the workers."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == self._deaths:
                    self._reap()
                elif key.fileobj is self._control:
                    if not self._start():
                        return
                elif key.data in self._lines:
                    self._selector.unregister(key.fileobj)
                    os.kill(key.data, signal.SIGKILL)  # it is not reaped yet, so the number is still its own

    def _start(self) -> bool:
        message, files, _, _ = socket.recv_fds(self._control, len(START), 2)
        if not message:
            return False
        channel, line = (socket.socket(fileno=file) for file in files)
        try:
            pid = os.fork()
        except OSError:
            _tell(line, -FORK_FAILED)
            line.close()
        else:
            if not pid:
                self._become_worker(channel)
            self._lines[pid] = line
            self._selector.register(line, selectors.EVENT_READ, pid)
            _tell(line, pid)
        channel.close()
        return True

    def _become_worker(self, channel: socket.socket) -> NoReturn:
        """In the forked process: keeps nothing of the server's but its modules."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kept = channel.fileno()
        os.closerange(FIRST_FILE, kept)
        os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
        work(channel, self._own_pid)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._deaths, 4096)
        for pid, code in ended_children():
            line = self._lines.pop(pid)
            with suppress(KeyError):
                self._selector.unregister(line)
            _tell(line, code)
            line.close()


def _tell(line: socket.socket, number: int) -> None:
    with suppress(OSError):  # the owner may have hung up
        line.send(number.to_bytes(4, "little", signed=True))
