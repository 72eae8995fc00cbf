"""The service with several workers, as processes, of which a test can let one alone answer."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from tests.support.image_service import ImageService


class WorkerService(ImageService):
    """The supervisor and what it started."""

    def __init__(self, folder: Path, count: int, settings: Mapping[str, str], module: str = "medsearch_api.app") -> None:
        self.count = count
        super().__init__(folder, {"MEDSEARCH_API_WORKERS": str(count)} | dict(settings), module)
        self.wait_until(lambda: len(self.answering()) == count)

    def lines(self) -> list[dict[str, str]]:
        """The log."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line.endswith("}")]

    def answering(self) -> list[int]:
        """The process IDs of the workers that have started and live."""
        started = "Started server process ["
        pids = [int(m.removeprefix(started)[:-1]) for m in (line["message"] for line in self.lines()) if m.startswith(started)]
        return [pid for pid in pids if _is_alive(pid)]

    def descendants(self) -> list[psutil.Process]:
        """Everything that the supervisor started, and what that started."""
        return self.process.children(recursive=True)

    @contextmanager
    def only(self, pid: int) -> Iterator[httpx.Client]:
        """A client that this worker answers: the others are stopped while the block lasts."""
        others = [other for other in self.answering() if other != pid]
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            with httpx.Client(base_url=self.client.base_url, trust_env=False, timeout=600) as client:
                yield client
        finally:
            for other in others:
                with suppress(ProcessLookupError):
                    os.kill(other, signal.SIGCONT)

    def close(self) -> None:
        if self.process.is_running():
            remaining = self.descendants()
            super().close()
        else:
            remaining = []
            self.client.close()
        for process in remaining:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(remaining, timeout=60)


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
