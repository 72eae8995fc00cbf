"""No process outlives its run, however it ends, and no code server its use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from medsearch_core.keys import StudyKey
from medsearch_pipeline.supervision.processes import Processes
from tests.support.hurried_daemon import RELOAD
from tests.support.local_deployment import LocalDeployment
from tests.support.paths import PROJECT_ROOT

STUDIES = [StudyKey("p10000001", f"s5000000{n}") for n in range(3)]
AT_ONCE: dict[str, dict[str, Any]] = {
    "run_queue": {"dequeue_interval_seconds": 1},
    "run_monitoring": {"poll_interval_seconds": 1},
    "run_retries": {"enabled": False},
    "concurrency": {"runs": {"max_concurrent_runs": 4}, "pools": {"default_limit": 4, "granularity": "op"}},
}
QUIET = {"MEDSEARCH_SENSORS": "stopped", "MEDSEARCH_DECODE_WORKERS": "1"}


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[LocalDeployment]:
    with LocalDeployment(tmp_path, AT_ONCE, QUIET) as deployment:
        deployment.land(STUDIES)
        yield deployment


@pytest.fixture
def instance(deployment: LocalDeployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(deployment.dagster_home))
    with dg.DagsterInstance.from_config(str(deployment.dagster_home)) as instance:
        yield instance


def status(instance: dg.DagsterInstance, run: str) -> str:
    found = instance.get_run_by_id(run)
    assert found
    return found.status.value


def test_runs_that_end_are_killed_or_are_cancelled_leave_no_process(
    deployment: LocalDeployment, instance: dg.DagsterInstance
) -> None:
    deployment.start_code_server()
    deployment.start_webserver()
    deployment.start_daemon()
    deployment.client.run_job("inventory_job")
    runs = {}
    for study, end in zip(STUDIES, ("ended", "killed", "cancelled"), strict=True):
        run = deployment.launch("ingest_job", study.partition)
        runs[end] = run
        if end == "ended":
            continue

        def has_workers(run: str = run) -> bool:
            process = deployment.process_of(instance, run)
            return process is not None and len(process.children(recursive=True)) >= 2

        deployment.wait_for(f"a worker of the run that is to be {end}", has_workers)
        process = deployment.process_of(instance, run)
        assert process
        deployment.cancel(run) if end == "cancelled" else process.kill()
    ends = {"ended": "SUCCESS", "killed": "FAILURE", "cancelled": "CANCELED"}
    deployment.wait_for("the end of all runs", lambda: {end: status(instance, run) for end, run in runs.items()} == ends)

    deployment.wait_for("the end of all their processes", lambda: not deployment.of_runs(), 300)
    assert [pid for pid, command in deployment.living().items() if command.endswith(" ".join(deployment.code.command[2:]))]


def test_a_code_server_that_the_daemon_has_replaced_ends_once_its_runs_have(
    deployment: LocalDeployment, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    deployment.processes = Processes(tmp_path / "logs", deployment.environment | {RELOAD: str(tmp_path / "reload")})
    deployment.start_webserver(PROJECT_ROOT / "workspace.yaml")
    deployment.start_daemon(PROJECT_ROOT / "workspace.yaml")
    deployment.client.run_job("inventory_job")
    run = deployment.launch("ingest_job", STUDIES[0].partition)
    deployment.wait_for("the run's process", lambda: deployment.process_of(instance, run))
    process = deployment.process_of(instance, run)
    assert process
    forks = process.parent()
    server = forks and forks.parent()
    assert server
    assert "dagster" in server.cmdline()
    assert "grpc" in server.cmdline()
    (tmp_path / "reload").touch()
    deployment.wait_for("the run's end", lambda: status(instance, run) == "SUCCESS")
    deployment.wait_for("the end of its process", lambda: not process.is_running(), 300)
    deployment.wait_for("the end of its code server", lambda: not server.is_running(), 300)
    deployment.wait_for("the end of what forked it", lambda: not forks.is_running(), 300)
