"""The owner's side: a server that forks workers, and one worker."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from medsearch_core.workers.answers import RESULT, raise_error
from medsearch_core.workers.channel import TooLong, receive, send
from medsearch_core.workers.child import Job, Preparation
from medsearch_core.workers.confinement import KEPT_VARIABLES
from medsearch_core.workers.limits import TOO_LONG_AN_ANSWER
from medsearch_core.workers.server import START

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Large arrays of a new process get 2 MiB at a time: a page fault costs microseconds, and a frame is thousands of pages."""
MAX_ANSWER_BYTES = 2**31 - 1
_HELLO_BYTES = 2**16
_CODE = "import sys; sys.path[:] = sys.argv[3:]; from medsearch_core.workers.server import serve; "
_CODE += "serve(int(sys.argv[1]), *sys.argv[2].split())"


class WorkerEnded(Exception):
    """A worker ended before it answered.

    Args:
        exit_code: its exit code, or the negative number of the signal that ended it; None if it is unknown.
    """

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"a worker process ended ({exit_code})")
        self.exit_code = exit_code


class WorkerServer:
    """Starts workers from a process that has imported their modules. Starts that process at the first worker.

    Args:
        modules: imported before the first worker is forked.
        environment: of the process; None for a copy of this one's.
    """

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._modules, self._environment = modules, environment
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0
        self._is_closed = False

    def start(self, preparation: Preparation) -> WorkerProcess:
        """A worker, without waiting until it is ready.

        Raises:
            OSError: no process can be started, or the server is closed.
        """
        channel, theirs = socket.socketpair()
        line, servers_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, servers_end, self._lock:
            socket.send_fds(self._running(), [START], [theirs.fileno(), servers_end.fileno()])
        worker = WorkerProcess(channel, line)
        with suppress(OSError):  # it died already, which its first call finds out
            send(channel, pickle.dumps(preparation))
        return worker

    def close(self) -> None:
        """Ends the process, and with it all of its workers. It is not started again."""
        with self._lock:
            self._is_closed = True
            if self._control:
                self._control.close()
            if self._process and self._owner == os.getpid():
                self._process.kill()  # it may still import
                self._process.wait()
            self._process = self._control = None

    def _running(self) -> socket.socket:
        if self._is_closed:
            raise OSError("closed")
        is_running = self._process and self._owner == os.getpid() and self._process.poll() is None
        if self._control is None or not is_running:
            if self._control:
                self._control.close()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = [sys.executable, "-c", _CODE, str(theirs.fileno()), " ".join(self._modules), *sys.path]
                self._process = subprocess.Popen(  # noqa: S603 - this Python, with this project's code
                    command, env=self._environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
                )
            self._control, self._owner = ours, os.getpid()
        return self._control


class WorkerProcess:
    """A worker, which does one job at a time.

    Args:
        channel: to the worker.
        line: to the server, about the worker.
    """

    def __init__(self, channel: socket.socket, line: socket.socket) -> None:
        self._channel, self._line = channel, line
        self._lock = threading.Lock()  # of closing the line
        self._pid: int | None = None
        self._hello = threading.Lock()  # of receiving what is next
        self._refused: list[str] | None = None

    @property
    def pid(self) -> int | None:
        """Its process ID; None if it could not be started. Waits until it is forked."""
        if self._pid is None:
            self._pid = self._told()
        return self._pid if self._pid and self._pid > 0 else None

    @property
    def refused(self) -> list[str]:
        """What the kernel refused when it was confined. Waits until it is ready. Any thread may ask.

        Raises:
            WorkerEnded: it cannot be prepared.
        """
        with self._hello:
            if self._refused is None:
                self._refused = [str(name) for name in json.loads(self._received(_HELLO_BYTES)[1])]
            return self._refused

    def call(self, job: Job, files: Sequence[int] = (), max_bytes: int = MAX_ANSWER_BYTES) -> bytes:
        """A job's answer. Waits for it; any thread may `kill` meanwhile.

        Args:
            job: of a module that the worker can import, or a partial of one.
            files: open files that the worker gets, as the job's arguments. They are closed here as soon as they are sent.
            max_bytes: of the answer; a worker that announces more is killed.

        Raises:
            WorkerEnded: it ended before it answered.
            MedsearchError: the job raised it, or, as `JobFailed`, anything else.
        """
        try:
            _ = self.refused
            send(self._channel, pickle.dumps(job, pickle.HIGHEST_PROTOCOL), files)
        except OSError:
            raise WorkerEnded(self.ended()) from None
        finally:
            for file in files:
                os.close(file)
        kind, answer = self._received(max_bytes)
        if kind != RESULT:
            raise_error(answer)
        return answer

    def kill(self) -> None:
        """Ends it at once, whatever it does. Returns before it has ended."""
        with self._lock, suppress(OSError):
            self._line.send(b"kill")

    def ended(self) -> int | None:
        """Ends it, if it has not, and waits for that; its exit code. Releases its resources.

        One that has closed its channel is usually ending by itself, which this does not change.
        """
        self.kill()
        self._channel.close()
        code = self._told() if self.pid else None
        with self._lock:
            self._line.close()
        return code

    def _received(self, max_bytes: int) -> tuple[int, bytes]:
        try:
            kind, message, _ = receive(self._channel, max_bytes)
            return kind, message
        except (EOFError, OSError):
            raise WorkerEnded(self.ended()) from None
        except TooLong:
            self.ended()
            raise WorkerEnded(TOO_LONG_AN_ANSWER) from None

    def _told(self) -> int | None:
        """The next number on the line; None if the server is gone."""
        try:
            try:
                number = self._line.recv(4)
            except ConnectionResetError:  # the server closed the line without having read `kill`; what it told is still there
                number = self._line.recv(4)
        except OSError:
            return None
        return int.from_bytes(number, "little", signed=True) if number else None


def confined_server(modules: Sequence[str]) -> WorkerServer:
    """A server whose environment has no secrets: only where code is, and how text is encoded."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT_VARIABLES}
    return WorkerServer(modules, kept | HUGE_PAGES)
