"""A confined worker of the server that a module's tests have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from medsearch_core.workers.child import Preparation
from medsearch_core.workers.process import WorkerProcess, WorkerServer


@pytest.fixture
def worker(server: WorkerServer) -> Iterator[WorkerProcess]:
    worker = server.start(Preparation(packages=["medsearch_core"]))
    yield worker
    worker.kill()
    worker.ended()
