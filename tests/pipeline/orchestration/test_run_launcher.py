"""Whether a run's process is there: real processes, and what follows from what can be known."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.launcher import WorkerStatus

from medsearch_pipeline.orchestration.run_launcher import LocalRunLauncher, RunProcess, is_alive, worker_health
from tests.support.paths import PROJECT_ROOT

PROJECT = PROJECT_ROOT
SOME = RunProcess(pid=1, started=0.0)


def test_a_process_is_alive_until_it_ends_and_one_that_came_later_with_its_id_is_another() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    now = time.time()
    assert is_alive(RunProcess(process.pid, now + 1))
    assert not is_alive(RunProcess(process.pid, now - 3600)), "a process with this id was seen an hour before this one started"
    process.kill()
    deadline = time.monotonic() + 300
    while is_alive(RunProcess(process.pid, now + 1)) and time.monotonic() < deadline:  # a zombie by now: nobody waited for it
        time.sleep(0.01)
    assert not is_alive(RunProcess(process.pid, now + 1))
    process.wait()
    assert not is_alive(RunProcess(process.pid, now + 1))


@pytest.mark.parametrize(
    ("knows", "is_local", "worker", "is_there", "status"),
    [
        (True, True, SOME, False, "RUNNING"),
        (False, True, SOME, True, "RUNNING"),
        (False, True, SOME, False, "NOT_FOUND"),
        (None, True, SOME, True, "RUNNING"),
        (None, True, SOME, False, "NOT_FOUND"),
        (None, True, None, False, "RUNNING"),
        (False, True, None, False, "NOT_FOUND"),
        (None, False, SOME, False, "RUNNING"),
        (False, False, SOME, True, "NOT_FOUND"),
        (True, False, None, False, "RUNNING"),
    ],
)
def test_a_run_is_given_up_only_where_it_is_known_to_be_gone(
    knows: bool | None, is_local: bool, worker: RunProcess | None, is_there: bool, status: str
) -> None:
    assert worker_health(knows, is_local, worker, lambda _: is_there).status == WorkerStatus[status]


def test_the_projects_instance_has_it_with_monitoring_and_retries_of_crashed_runs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert isinstance(instance.run_launcher, LocalRunLauncher)
        assert instance.run_launcher.supports_check_run_worker_health
        assert instance.run_monitoring_enabled
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 3)
        assert not instance.run_retries_retry_on_asset_or_op_failure
    assert yaml.safe_load((PROJECT / "dagster.yaml").read_text())["concurrency"]["runs"]["max_concurrent_runs"] == 2
