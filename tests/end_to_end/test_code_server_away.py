"""A code server that is stopped or started anew delays runs and backfills. It fails and cancels none."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from medsearch_core.keys import StudyKey
from tests.support.local_deployment import LocalDeployment

STUDIES = [StudyKey("p10000001", f"s5000000{n}") for n in range(3)]
ONE_AT_A_TIME: dict[str, dict[str, Any]] = {
    "run_queue": {"dequeue_interval_seconds": 1, "user_code_failure_retry_delay": 2},
    "run_monitoring": {"poll_interval_seconds": 1},
    "run_retries": {"enabled": False},
    "concurrency": {"runs": {"max_concurrent_runs": 1}},
}
IMPATIENT = {
    "DAGSTER_GRPC_TIMEOUT_SECONDS": "10",  # after which a code server that was stopped counts as away
    "MEDSEARCH_MAX_PARTITIONS_PER_RUN": "1",
    "MEDSEARCH_SENSORS": "stopped",
}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDeployment]:
    with LocalDeployment(tmp_path_factory.mktemp("away"), ONE_AT_A_TIME, IMPATIENT) as deployment:
        deployment.land(STUDIES, images=0)
        deployment.start_code_server()
        deployment.start_webserver()
        deployment.start_daemon()
        deployment.client.run_job("inventory_job")
        yield deployment


@pytest.fixture
def instance(deployment: LocalDeployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(deployment.dagster_home))
    with dg.DagsterInstance.from_config(str(deployment.dagster_home)) as instance:
        yield instance


def tries(instance: dg.DagsterInstance) -> int:
    """How often a run of a backfill was put into the queue, at most."""
    runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING]))
    return max((len(instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_ENQUEUED)) for run in runs), default=0)


def backfills_without_assets(deployment: LocalDeployment) -> int:
    """How often the daemon looked at a backfill and found no code server that knows its assets."""
    return deployment.log("daemon").count("unable to continue due to a missing")


@pytest.mark.parametrize("is_restarted", [False, True], ids=["stopped for a while", "killed and started again"])
def test_a_backfill_whose_code_server_is_away_waits_for_it_and_completes(
    deployment: LocalDeployment, instance: dg.DagsterInstance, is_restarted: bool
) -> None:
    server, without_assets = deployment.code_server, backfills_without_assets(deployment)
    backfill = deployment.client.launch_backfill(["report_entities"])

    def runs() -> list[dg.DagsterRun]:
        return list(instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill})))

    deployment.wait_for("the first run", lambda: any(run.status == dg.DagsterRunStatus.STARTED for run in runs()))
    server.send_signal(signal.SIGKILL if is_restarted else signal.SIGSTOP)
    deployment.wait_for("a run to be put back into the queue", lambda: tries(instance) >= 2)
    deployment.wait_for("the backfill to find no asset", lambda: backfills_without_assets(deployment) > without_assets)
    if is_restarted:
        deployment.start_code_server()
    else:
        server.send_signal(signal.SIGCONT)

    def status() -> BulkActionStatus:
        found = instance.get_backfill(backfill)
        assert found
        assert found.status in (BulkActionStatus.REQUESTED, BulkActionStatus.COMPLETED_SUCCESS), deployment.log("daemon")[
            -6000:
        ]
        return found.status

    deployment.wait_for("the backfill's end", lambda: status() == BulkActionStatus.COMPLETED_SUCCESS)
    assert [run.status.value for run in runs()] == ["SUCCESS"] * len(STUDIES)
