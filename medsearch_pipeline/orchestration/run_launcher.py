"""`LocalRunLauncher`: Dagster's default launcher, which can also tell whether a run's process is still there.

The code server that starts a run's process notices when that process dies. When the code server died too (the machine was
restarted, a container replaced, the memory ran out), nobody does: the default launcher cannot be asked, and the run would be
started for ever, in the queue's way. With this launcher Dagster's own run monitoring asks, reports the run as failed, and
retries follow. Launchers for containers (ECS, Kubernetes) tell it themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
import psutil
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster_shared.serdes import deserialize_value

SERVER_TAG = ".dagster/grpc_info"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SERVER_SECONDS = 5
CLOCK_SECONDS = 2.0
"""How much later than its first event a process may seem to have started: clocks and rounding."""


@dataclass(frozen=True)
class RunProcess:
    """The process of a run, as its first event tells it: process id, and when that was, in seconds since 1970."""

    pid: int
    started: float


class LocalRunLauncher(DefaultRunLauncher):
    """Launches runs as the default launcher does: as processes of the code server."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a started run is there, as far as can be known; running, where it cannot."""
        server = json.loads(run.tags.get(SERVER_TAG, "{}"))
        is_local = server.get("host") in LOCAL_HOSTS
        knows = _server_has_run(server, run.run_id) if server else None
        return worker_health(knows, is_local, self._worker(run.run_id), is_alive)

    def _worker(self, run_id: str) -> RunProcess | None:
        for record in self._instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_START):
            if record.dagster_event and record.dagster_event.pid:
                return RunProcess(record.dagster_event.pid, record.timestamp)
        return None


def worker_health(
    server_has_run: bool | None, is_local: bool, worker: RunProcess | None, is_alive: Callable[[RunProcess], bool]
) -> CheckRunHealthResult:
    """What is to be thought of a started run.

    Args:
        server_has_run: whether the code server that launched it has its process; None if it does not answer.
        is_local: whether that server is on this machine, so that process ids mean something here.
        worker: its process, if an event tells it.
    """
    if server_has_run:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    if is_local and worker:
        if is_alive(worker):  # its server is gone, and it goes on without
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {worker.pid} is not there any more")
    if server_has_run is None:
        return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server does not answer, so nobody can tell")
    return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server was started anew and does not know it")


def is_alive(worker: RunProcess) -> bool:
    """Whether a process is there, and is the one that was: ids are used again, most of all after a restart."""
    try:
        process = psutil.Process(worker.pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= worker.started + CLOCK_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _server_has_run(server: dict[str, object], run_id: str) -> bool | None:
    client = DagsterGrpcClient(
        port=server.get("port"),  # type: ignore[arg-type]
        socket=server.get("socket"),  # type: ignore[arg-type]
        host=str(server.get("host")),
        use_ssl=bool(server.get("use_ssl")),
    )
    try:
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=SERVER_SECONDS)
    except DagsterUserCodeUnreachableError:
        return None
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel
