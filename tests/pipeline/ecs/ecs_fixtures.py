"""A deployment on ECS, in one folder: code server, daemon and webserver as they run beside the tasks, and the double of ECS."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
import dagster as dg
import yaml

from medsearch_core.keys import StudyKey
from medsearch_core.search.embedded.index import EmbeddedIndex, open_embedded
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.orchestration.run_tags import range_tags
from medsearch_pipeline.supervision.dagster_client import SELECTOR, DagsterClient
from medsearch_pipeline.supervision.ports import free_port
from medsearch_pipeline.supervision.processes import Processes
from tests.pipeline.ecs.deployment import CLUSTER, GPU_FAMILY, GPU_PROVIDER, LAUNCHER, RUN_FAMILY, STEPS, register
from tests.support.ecs_double.server import EcsDouble, Instances
from tests.support.ecs_double.task import Task
from tests.support.ingest import settings_in
from tests.support.paths import PROJECT_ROOT

PROJECT = PROJECT_ROOT
AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
LOGS = "dagster-logs"
_LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { ... on LaunchRunSuccess { run { runId } } } }"""
_TERMINATE = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"


class EcsWorld:
    """Lives as long as a `with` block.

    Args:
        s3_endpoint: an S3 API, for the logs of steps.
    """

    def __init__(self, home: Path, s3_endpoint: str) -> None:
        self.home, self.settings = home, settings_in(home / "landing", home)
        self.landing = open_store(self.settings.landing)
        self.warehouse = Warehouse(open_store(self.settings.warehouse))
        self.double = EcsDouble(home / "tasks", CLUSTER, {GPU_PROVIDER: Instances(4096, 15_731, 1)})
        in_containers = {
            **AWS,
            **LAUNCHER,
            **STEPS,
            "AWS_ENDPOINT_URL_S3": s3_endpoint,
            "AWS_ENDPOINT_URL_ECS": self.double.url,
            "DAGSTER_HOME": str(home / "dagster"),
            "DAGSTER_EVENT_BATCH_SIZE": "1000",
            "DAGSTER_LOGS_BUCKET": LOGS,
            "DAGSTER_LOGS_PREFIX": "dagster",
            "MEDSEARCH_LANDING": self.settings.landing,
            "MEDSEARCH_WAREHOUSE": self.settings.warehouse,
            "MEDSEARCH_INDEX": self.settings.index,
            "MEDSEARCH_MODEL": self.settings.model,
            "MEDSEARCH_BATCH_SIZE": "1",
            "OMP_NUM_THREADS": "1",
            "DAGSTER_STEP_DELEGATING_EXECUTOR_SLEEP_SECONDS": "0.3",
            "MEDSEARCH_ECS_CHECK_SECONDS": "1",
            "MEDSEARCH_ECS_RESTART_SECONDS": "1",
            "MEDSEARCH_SENSORS": "stopped",
            "PYTHONPATH": str(PROJECT),
            "HOME": str(home),
        }
        self.environment: Mapping[str, str] = in_containers
        self._outside = dict(os.environ)
        self._s3_endpoint = s3_endpoint
        self.processes = Processes(home / "logs", os.environ | in_containers)

    def __enter__(self) -> EcsWorld:
        os.environ.update(self.environment)  # this process reads the instance as the daemon does
        self.double.__enter__()
        for family, compatibility in ((RUN_FAMILY, "FARGATE"), (GPU_FAMILY, "EC2")):
            register(boto3.client("ecs"), family, compatibility, self.environment)
        boto3.client("s3", endpoint_url=self._s3_endpoint).create_bucket(Bucket=LOGS)
        self._make_dagster_home()
        self.instance = dg.DagsterInstance.get()
        port, code = str(free_port(3210)), str(free_port(4210))
        workspace = self.home / "workspace.yaml"
        served = {"host": "127.0.0.1", "port": int(code), "location_name": "medsearch"}
        workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": served}]}))
        module = ["-m", "medsearch_pipeline.definitions", "-h", "127.0.0.1", "-p", code]
        self.processes.start("code", [sys.executable, "-m", "dagster", "api", "grpc", *module])
        medsearch = str(Path(sys.executable).with_name("medsearch"))
        self.processes.start("webserver", [medsearch, "webserver", "-p", port, "-w", str(workspace)])
        self.client = DagsterClient(f"http://127.0.0.1:{port}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.processes.stop()
        self.double.__exit__(kind, error, trace)
        self.instance.dispose()
        os.environ.clear()
        os.environ.update(self._outside)

    def _make_dagster_home(self) -> None:
        """The deployment's dagster.yaml, on SQLite, and asking more often."""
        configured: dict[str, Any] = yaml.safe_load((PROJECT / "docker" / "dagster.ecs.yaml").read_text())
        configured["storage"] = yaml.safe_load((PROJECT / "dagster.yaml").read_text())["storage"]
        configured["run_monitoring"] |= {
            "poll_interval_seconds": 2,
            "start_timeout_seconds": 600,
            "free_slots_after_run_end_seconds": 1,
        }
        configured["run_queue"] |= {"dequeue_interval_seconds": 1}
        (self.home / "dagster").mkdir(parents=True)
        (self.home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(configured))

    def start_daemon(self) -> None:
        """Starts what launches runs."""
        command = ["-m", "dagster._daemon", "run", "-w", str(self.home / "workspace.yaml")]
        self.processes.start("daemon", [sys.executable, *command])

    def launch(self, job: str, first: StudyKey, last: StudyKey) -> str:
        """Launches a job over a range of studies; its run's id."""
        tags = [{"key": key, "value": value} for key, value in range_tags(first.partition, last.partition, 1).items()]
        params = {"selector": {**SELECTOR, "jobName": job}, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        return self.client.ask(_LAUNCH, params=params)["launchRun"]["run"]["runId"]

    def terminate(self, run_id: str) -> None:
        """Cancels a run, as its button in the UI does."""
        assert self.client.ask(_TERMINATE, id=run_id)["terminateRun"]["__typename"] == "TerminateRunSuccess"

    def index(self) -> EmbeddedIndex:
        """The search index."""
        return open_embedded(self.settings.index)

    def tasks_of(self, step: str) -> list[Task]:
        """The tasks of a step, first to last; of runs themselves, where no step is named."""
        return [t for t in self.double.tasks if t.tags.get("dagster/step-key", "") == step]

    def wait_until(self, what: str, is_so: Callable[[], bool], seconds: float = 900) -> None:
        """Waits until something is so; fails with the logs of what ran where it does not come."""
        deadline = time.monotonic() + seconds
        while not is_so():
            self.processes.check()
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.told()}"
            time.sleep(0.05)

    def told(self) -> str:
        """What every task printed last, and every message of every run."""
        printed = [
            f"--- {t.tags} {t.status} {t.stop_code} {t.exit_code}\n{t.log.read_text()[-1500:]}" for t in self.double.tasks
        ]
        said = [
            f"{run.run_id[:8]} {run.status.value}: {event.step_key} {event.message[:600]}"
            for run in self.instance.get_runs()
            for event in self.instance.all_logs(run.run_id)
        ]
        return "\n".join([*printed, *said])
