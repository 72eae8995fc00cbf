"""Starting servers and stopping exactly those: each in its own process group, with its output in a log file."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from medsearch_core.errors import MedsearchError

STOP_SECONDS = 15.0
START_SECONDS = 600.0


class ProcessEnded(MedsearchError):
    """A server ended unexpectedly."""


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
        """Starts a server; its output goes to `<name>.log`."""
        with self._log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - commands are our own
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until(self, name: str, is_ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Waits until a server is ready.

        Raises:
            MedsearchError: a server ended, or was not ready in time. The message names its log.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise MedsearchError(f"{name} was not ready after {seconds:.0f} s: see {self._log(name)}")
            time.sleep(0.3)

    def watch(self, on_pause: Callable[[], object] = lambda: None) -> None:
        """Waits until a server ends, and raises `ProcessEnded`. Calls `on_pause` about once a second."""
        while True:
            self.check()
            on_pause()
            time.sleep(1.0)

    def check(self) -> None:
        """Raises `ProcessEnded` if a server has ended. The message names it, its status, its last line and its log."""
        for name, process in self._running.items():
            if (status := process.poll()) is not None:
                ending = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
                last_line = f" ({line})" if (line := self._last_line(name)) else ""
                raise ProcessEnded(f"{name} {ending}{last_line}: see {self._log(name)}")

    def stop(self) -> None:
        """Stops every server and what each of them started: by SIGTERM, and by SIGKILL after `STOP_SECONDS` or a second
        Ctrl-C."""
        try:
            for process in self._running.values():
                _signal(process, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline and any(process.poll() is None for process in self._running.values()):
                time.sleep(0.1)
        finally:
            for process in self._running.values():
                _signal(process, signal.SIGKILL)  # the server, or processes it left behind
            for process in self._running.values():
                process.wait()
            self._running.clear()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _last_line(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


def stop_on_signals() -> None:
    """Makes SIGTERM and SIGHUP stop this process like Ctrl-C, by `KeyboardInterrupt`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # ignored under nohup
        signal.signal(signal.SIGHUP, signal.default_int_handler)


def answers(url: str) -> bool:
    """Whether a server responds with success at a URL."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
