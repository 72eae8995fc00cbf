"""A deployment on this machine, as the demo starts it: code server, webserver and daemon, of which every process is known."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import yaml

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT, CodeServer
from medsearch_pipeline.supervision.dagster_client import SELECTOR, DagsterClient
from medsearch_pipeline.supervision.processes import Processes
from tests.support.ingest import settings_in
from tests.support.landing import land_study
from tests.support.paths import PROJECT_ROOT
from tests.support.serving import free_port

_LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_TERMINATE = """
mutation($id: String!) { terminateRun(runId: $id) { __typename } }"""

HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""What a code server starts for its runs, once: it keeps the queues to them, and forks them."""


class LocalDeployment:
    """A folder, its processes, and what a user of Dagster's UI does to it.

    Args:
        configuration: laid over the project's dagster.yaml, a section at a time.
        environment: laid over that of the processes.
    """

    def __init__(self, home: Path, configuration: dict[str, dict[str, Any]], environment: dict[str, str]) -> None:
        self.home, self.dagster_home = home, home / "dagster"
        self.dagster_home.mkdir()
        given = yaml.safe_load((PROJECT_ROOT / "dagster.yaml").read_text())
        for section, values in configuration.items():
            given[section] = given.get(section, {}) | values
        (self.dagster_home / "dagster.yaml").write_text(yaml.safe_dump(given))
        settings = settings_in(home / "landing", home)
        self.environment = os.environ | ENVIRONMENT | environment
        self.environment |= {
            "DAGSTER_HOME": str(self.dagster_home),
            "MEDSEARCH_LANDING": settings.landing,
            "MEDSEARCH_WAREHOUSE": settings.warehouse,
            "MEDSEARCH_INDEX": settings.index,
            "MEDSEARCH_MODEL": settings.model,
            "MEDSEARCH_WEIGHTS": settings.weights,
            "PYTHONPATH": str(PROJECT_ROOT),
        }
        self.landing = open_store(settings.landing)
        self.code = CodeServer(self.dagster_home)
        self.processes = Processes(home / "logs", self.environment)
        self._code_servers: list[tuple[Processes, psutil.Process]] = []
        self._port = free_port()
        self.client = DagsterClient(f"http://127.0.0.1:{self._port}")

    def __enter__(self) -> LocalDeployment:
        return self

    def __exit__(self, *_: object) -> None:
        for processes in (self.processes, *(processes for processes, _ in self._code_servers)):
            processes.stop()
        for pid in self.living():
            psutil.Process(pid).kill()

    def start_code_server(self) -> psutil.Process:
        """Starts it and waits until it answers. Unlike the other servers it may end before the deployment does."""
        before = set(psutil.Process().children())
        processes = Processes(self.home / "logs", self.environment)
        processes.start("code-server", self.code.command)
        (started,) = set(psutil.Process().children()) - before
        self._code_servers.append((processes, started))
        processes.wait_until("code-server", self.code.is_ready, 600)
        return started

    @property
    def code_server(self) -> psutil.Process:
        """The one that was started last."""
        return self._code_servers[-1][1]

    def start_webserver(self, workspace: Path | None = None) -> None:
        """With the workspace that names the code server, or with another."""
        arguments = ["-h", "127.0.0.1", "-p", str(self._port), "-w", str(workspace or self.code.write_workspace())]
        self.processes.start("webserver", [sys.executable, "-m", "dagster_webserver", *arguments])
        self.processes.wait_until("webserver", self.client.is_ready, 600)

    def start_daemon(self, workspace: Path | None = None) -> None:
        """With the workspace that names the code server, or with another."""
        given = str(workspace or self.code.write_workspace())
        self.processes.start("daemon", [sys.executable, "-m", "tests.support.hurried_daemon", "run", "-w", given])

    def land(self, studies: Sequence[StudyKey], images: int = 2) -> None:
        for study in studies:
            land_study(self.landing, study, images=images)

    def launch(self, job: str, partition: str | None = None) -> str:
        """Launches a job as the UI does; the run's id."""
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        params = {"selector": {**SELECTOR, "jobName": job}, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        launched: dict[str, Any] = self.client.ask(_LAUNCH, params=params)["launchRun"]
        return str(launched["run"]["runId"])

    def cancel(self, run: str) -> None:
        """Terminates a run as the UI does."""
        assert self.client.ask(_TERMINATE, id=run)["terminateRun"]["__typename"] == "TerminateRunSuccess"

    def process_of(self, instance: dg.DagsterInstance, run: str) -> psutil.Process | None:
        """The process of a run that has started."""
        for record in instance.all_logs(run, of_type=dg.DagsterEventType.RUN_START):
            if record.dagster_event and record.dagster_event.pid and psutil.pid_exists(record.dagster_event.pid):
                return psutil.Process(record.dagster_event.pid)
        return None

    def living(self) -> dict[int, str]:
        """Process id → command of every process of the deployment, whoever started it: all inherit where Dagster's home is."""
        found = {}
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get("DAGSTER_HOME") == str(self.dagster_home)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                    found[process.pid] = " ".join(process.cmdline())
            except psutil.Error:
                continue
        return found

    def of_runs(self) -> dict[int, str]:
        """The same without the servers and their helpers."""
        servers = psutil.Process().children()
        helpers = [child for server in servers if server.is_running() for child in server.children() if _is_helper(child)]
        return {pid: command for pid, command in self.living().items() if pid not in {p.pid for p in [*servers, *helpers]}}

    def log(self, name: str) -> str:
        """What a server has printed."""
        return (self.home / "logs" / f"{name}.log").read_text(errors="replace")

    def wait_for(self, what: str, is_so: Callable[[], object], seconds: float = 900) -> None:
        """Waits for a condition while the servers run; fails with the daemon's log."""
        deadline = time.monotonic() + seconds
        while not is_so():
            self.processes.check()
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.log('daemon')[-6000:]}"
            time.sleep(0.05)


def _is_helper(process: psutil.Process) -> bool:
    try:
        command = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return any(helper in command for helper in HELPERS)
