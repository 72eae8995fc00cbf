"""`LocalRunLauncher`: Dagster's default launcher, which also waits for a slow code server and checks a run's process.

The code server that starts a run's process notices when that process dies. If the code server died too (a reboot, a replaced
container, out of memory), nobody does: the default launcher does not support health checks, and the run would count as started
forever and block the queue. With this launcher, Dagster's run monitoring checks the process, reports the run as failed, and
retries follow. Launchers for containers (ECS, Kubernetes) do this themselves.

On a busy machine, a code server may respond too late to a request to start a run. Dagster then puts the run back into the
queue, and the process that starts finds its run queued and exits, which fails the run. This launcher checks whether the
process starts.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
import psutil
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster_shared.serdes import deserialize_value

SERVER_TAG = ".dagster/grpc_info"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SERVER_SECONDS = 5
CLOCK_SECONDS = 2.0
"""How much later than its first event a process may appear to have started, due to clocks and rounding."""


@dataclass(frozen=True)
class RunProcess:
    """The process of a run according to its first event: process id, and time in seconds since 1970."""

    pid: int
    started: float


class LocalRunLauncher(DefaultRunLauncher):
    """Launches runs as processes of the code server, like the default launcher."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Starts a run's process.

        Raises:
            DagsterUserCodeUnreachableError: the code server is unreachable and started no process. Dagster tries again.
        """
        try:
            super().launch_run(context)
        except DagsterUserCodeUnreachableError as error:
            if not (_is_slow(error) and self._comes(context.dagster_run.run_id)):
                raise

    def _comes(self, run_id: str) -> bool:
        """Whether the code server has started the run, once it responds."""
        deadline = time.monotonic() + self._instance.run_monitoring_start_timeout_seconds / 2
        while time.monotonic() < deadline:
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.status != dg.DagsterRunStatus.STARTING:
                return True
            try:
                return _server_has_run(json.loads(run.tags[SERVER_TAG]), run_id)
            except DagsterUserCodeUnreachableError as error:
                if not _is_slow(error):
                    return False
        return False

    def terminate(self, run_id: str) -> bool:
        """Has the code server end a run; if it no longer knows the run, signals the run's process on this machine."""
        try:
            return bool(super().terminate(run_id)) or self._interrupt(run_id)
        except DagsterUserCodeUnreachableError:
            if self._interrupt(run_id):
                return True
            raise

    def _interrupt(self, run_id: str) -> bool:
        run, worker = self._instance.get_run_by_id(run_id), self._worker(run_id)
        if run is None or run.is_finished or worker is None or not (_is_local(run) and is_alive(worker)):
            return False
        os.kill(worker.pid, signal.SIGTERM)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a started run exists; if that is unknown, it counts as running."""
        server = json.loads(run.tags.get(SERVER_TAG, "{}"))
        knows = _answer_of_server(server, run.run_id) if server else None
        return worker_health(knows, _is_local(run), self._worker(run.run_id), is_alive)

    def _worker(self, run_id: str) -> RunProcess | None:
        for record in self._instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_START):
            if record.dagster_event and record.dagster_event.pid:
                return RunProcess(record.dagster_event.pid, record.timestamp)
        return None


def worker_health(
    server_has_run: bool | None, is_local: bool, worker: RunProcess | None, is_alive: Callable[[RunProcess], bool]
) -> CheckRunHealthResult:
    """The health of a started run's process.

    Args:
        server_has_run: whether the code server that launched it has its process; None if it does not respond.
        is_local: whether that server is on this machine, so that its process ids are valid here.
        worker: its process, if an event names it.
    """
    if server_has_run:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    if is_local and worker:
        if is_alive(worker):  # its server is gone, but it still runs
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {worker.pid} no longer exists")
    if server_has_run is None:
        return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server does not respond, so its state is unknown")
    return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server was restarted and does not know it")


def is_alive(worker: RunProcess) -> bool:
    """Whether a process exists and is the same one: ids are reused, especially after a reboot."""
    try:
        process = psutil.Process(worker.pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= worker.started + CLOCK_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _is_local(run: dg.DagsterRun) -> bool:
    return json.loads(run.tags.get(SERVER_TAG, "{}")).get("host") in LOCAL_HOSTS


def _answer_of_server(server: dict[str, object], run_id: str) -> bool | None:
    try:
        return _server_has_run(server, run_id)
    except DagsterUserCodeUnreachableError:
        return None


def _server_has_run(server: dict[str, object], run_id: str) -> bool:
    """Whether a code server has a run's process.

    Raises:
        DagsterUserCodeUnreachableError: it does not respond within `SERVER_SECONDS`.
    """
    client = DagsterGrpcClient(
        port=server.get("port"),  # type: ignore[arg-type]
        socket=server.get("socket"),  # type: ignore[arg-type]
        host=str(server.get("host")),
        use_ssl=bool(server.get("use_ssl")),
    )
    answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=SERVER_SECONDS)
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel


def _is_slow(error: DagsterUserCodeUnreachableError) -> bool:
    """Whether a code server timed out, rather than being gone."""
    code = getattr(error.__cause__, "code", None)
    return code is not None and code().name == "DEADLINE_EXCEEDED"
