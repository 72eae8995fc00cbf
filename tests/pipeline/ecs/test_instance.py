"""docker/dagster.ecs.yaml as Dagster reads it: Postgres, logs in a bucket, and a launcher of tasks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
import yaml
from dagster._core.utils import make_new_run_id
from dagster._grpc.types import ExecuteRunArgs
from dagster_aws.s3 import S3ComputeLogManager
from dagster_postgres import PostgresEventLogStorage

from medsearch_pipeline.ecs.launcher import EcsLauncher
from tests.pipeline.ecs.deployment import LAUNCHER, ORIGIN, RUN_FAMILY
from tests.support.ecs_double.rules import LONGEST_OVERRIDES
from tests.support.ecs_double.server import EcsDouble
from tests.support.paths import PROJECT_ROOT
from tests.support.postgres_server import postgres

DOCKER = PROJECT_ROOT / "docker"
OF_ECS_ALONE = {"run_launcher", "compute_logs"}


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((DOCKER / name).read_text())


def test_dagster_loads_it(
    ecs: EcsDouble, s3_endpoint: str, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(DOCKER / "dagster.ecs.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    given = LAUNCHER | {"DAGSTER_LOGS_BUCKET": s3_bucket, "DAGSTER_LOGS_PREFIX": "dagster"}
    with postgres("fsync=off") as environment:
        for name, value in (environment | given).items():
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert isinstance(instance.event_log_storage, PostgresEventLogStorage)
            launcher = instance.run_launcher
            assert isinstance(launcher, EcsLauncher)
            assert str(launcher.task_definition).endswith(f":task-definition/{RUN_FAMILY}:1")
            assert launcher.run_task_kwargs == {
                "cluster": "medsearch",
                "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
                "networkConfiguration": {
                    "awsvpcConfiguration": {
                        "subnets": ["subnet-0a1", "subnet-0b2"],
                        "securityGroups": ["sg-0c3"],
                        "assignPublicIp": "DISABLED",
                    }
                },
            }
            assert launcher.secrets_tags == []
            assert (instance.run_monitoring_enabled, instance.run_retries_retry_on_asset_or_op_failure) == (True, False)
            command = ExecuteRunArgs(ORIGIN, make_new_run_id(), instance.get_ref()).get_command_args()
            assert len(json.dumps(command)) < LONGEST_OVERRIDES - 2000  # for what a deployment adds
            logs = instance.compute_log_manager
            assert isinstance(logs, S3ComputeLogManager)
            run_id = make_new_run_id()  # Dagster keeps what is captured below /tmp, where another process may test as well
            with logs.capture_logs([run_id, "compute_logs", "a-step"]):
                print("said by a step")
            (kept,) = boto3.client("s3", endpoint_url=s3_endpoint).list_objects_v2(Bucket=s3_bucket)["Contents"]
            assert kept["Key"] == f"dagster/storage/{run_id}/compute_logs/a-step.out"
    assert ecs.calls.count("DescribeTaskDefinition") == 1
    assert set(ecs.calls) == {"RegisterTaskDefinition", "DescribeTaskDefinition"}  # the fixture registers, Dagster never does


def test_it_says_what_the_other_yaml_says_where_ecs_makes_no_difference() -> None:
    on_ecs, on_machines = read("dagster.ecs.yaml"), read("dagster.yaml")
    assert on_ecs.keys() - on_machines.keys() == {"compute_logs"}
    for name in on_machines.keys() - OF_ECS_ALONE - {"run_monitoring"}:
        assert on_ecs[name] == on_machines[name], name
    monitoring = on_ecs["run_monitoring"] | {"start_timeout_seconds": on_machines["run_monitoring"]["start_timeout_seconds"]}
    assert monitoring == on_machines["run_monitoring"]
