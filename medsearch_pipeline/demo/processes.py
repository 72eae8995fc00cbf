"""Starting servers and stopping exactly those: each in a process group of its own, its output in a log file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from medsearch_core.errors import MedsearchError

STOP_SECONDS = 15.0


class Processes:
    """Servers that live as long as a `with` block."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs, self._environment = logs, dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts a server; what it prints goes to `<name>.log`."""
        with (self._logs / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - commands are our own
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until(self, name: str, is_ready: Callable[[], bool], seconds: float = 180) -> None:
        """Waits until a server is ready.

        Raises:
            MedsearchError: a server ended, or was not ready in time. The message names its log.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise MedsearchError(f"{name} was not ready after {seconds:.0f} s: see {self._logs / name}.log")
            time.sleep(0.3)

    def check(self) -> None:
        """Raises `MedsearchError` if a server has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise MedsearchError(f"{name} stopped with status {process.returncode}: see {self._logs / name}.log")

    def stop(self) -> None:
        """Stops every server and what each of them started: asks first, insists after `STOP_SECONDS`."""
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            finally:
                _signal(process, signal.SIGKILL)  # what it started and left behind
                process.wait()
        self._running.clear()


def answers(url: str) -> bool:
    """Whether a server says yes at an address."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def free_port(preferred: int) -> int:
    """The preferred loopback port, or any other if that one is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise MedsearchError("no free port on 127.0.0.1")


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
