"""The double of ECS refuses what ECS refuses, so that what it accepts says something."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from tests.pipeline.ecs.deployment import CLUSTER, CONTAINER, GPU_FAMILY, GPU_PROVIDER, RUN_FAMILY, register
from tests.support.ecs_double.server import EcsDouble, Instances

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0a1"]}}
GPU = [{"name": CONTAINER, "resourceRequirements": [{"type": "GPU", "value": "1"}]}]

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("warned", flush=True))
print("up", flush=True)
while True:
    time.sleep(0.05)
"""


def on(provider: str, family: str = RUN_FAMILY, **more: Any) -> dict[str, Any]:
    """A request for a task on a capacity provider."""
    strategy = [{"capacityProvider": provider, "weight": 1}]
    asked = {"cluster": CLUSTER, "taskDefinition": family, "capacityProviderStrategy": strategy}
    return asked | {"networkConfiguration": NETWORK} | more


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (on("FARGATE", launchType="FARGATE"), "either launch type or capacity provider strategy"),
        (on("FARGATE", overrides={"containerOverrides": GPU}), "GPU are not supported on Fargate"),
        (on("FARGATE", overrides={"cpu": "512", "memory": "8192"}), "No Fargate configuration exists"),
        (on("FARGATE", GPU_FAMILY), "does not support launch_type FARGATE"),
        (on(GPU_PROVIDER, RUN_FAMILY), "does not support launch_type EC2"),
        (on("elsewhere"), "capacity provider 'elsewhere' was not found"),
        (on("FARGATE", overrides={"containerOverrides": [{"name": "run"}]}), "is not a container in the TaskDefinition"),
        (on("FARGATE", overrides={"containerOverrides": [{"name": CONTAINER, "command": ["x" * 8192]}]}), "at most 8192"),
        (on("FARGATE", tags=[{"key": "patients", "value": "a*"}]), "no tag may be"),
        (on("FARGATE", propagateTags="ALWAYS"), "none of TASK_DEFINITION, SERVICE, NONE"),
        (on("FARGATE", cluster="another"), "Cluster not found"),
        (on("FARGATE", "unknown"), "Unable to describe task definition"),
        ({k: v for k, v in on("FARGATE").items() if k != "networkConfiguration"}, "Network Configuration must be provided"),
    ],
)
def test_it_refuses_what_ecs_refuses(ecs: EcsDouble, request_: dict[str, Any], says: str) -> None:
    with pytest.raises(ClientError, match=says):
        boto3.client("ecs").run_task(**request_)
    assert not ecs.tasks


def test_a_gpu_is_given_once_and_a_shortage_is_a_failure_and_no_error(ecs: EcsDouble) -> None:
    asked = on(GPU_PROVIDER, GPU_FAMILY, overrides={"containerOverrides": GPU, "cpu": "2048", "memory": "4096"})
    client = boto3.client("ecs")
    (task,) = client.run_task(**asked)["tasks"]
    assert (task["launchType"], task["capacityProviderName"], task["cpu"]) == ("EC2", GPU_PROVIDER, "2048")
    answer = client.run_task(**asked)
    assert (answer["tasks"], [f["reason"] for f in answer["failures"]]) == ([], ["RESOURCE:GPU"])
    client.stop_task(cluster=CLUSTER, task=task["taskArn"])
    assert len(client.run_task(**asked)["tasks"]) == 1


def test_a_task_is_a_process_with_the_environment_of_its_container_alone(
    ecs: EcsDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "no")
    with EcsDouble(tmp_path / "more", CLUSTER, {GPU_PROVIDER: Instances(1024, 1024, 0)}) as double:
        client = boto3.client("ecs", endpoint_url=double.url)
        register(client, RUN_FAMILY, "FARGATE", {"COLOUR": "green", "SIZE": "large"})
        script = "import os, sys; print(sorted(os.environ)); print(os.environ['COLOUR']); sys.exit(3)"
        override = {"name": CONTAINER, "command": [sys.executable, "-c", script]}
        given = {"containerOverrides": [override | {"environment": [{"name": "COLOUR", "value": "red"}]}]}
        (task,) = client.run_task(**on("FARGATE", overrides=given))["tasks"]
        assert client.describe_tasks(cluster=CLUSTER, tasks=[task["taskArn"]])["failures"][0]["reason"] == "MISSING"
        (run,) = double.tasks
        assert run.wait(300)
        (told,) = client.describe_tasks(cluster=CLUSTER, tasks=[task["taskArn"]])["tasks"]
        assert (told["lastStatus"], told["stopCode"]) == ("STOPPED", "EssentialContainerExited")
        assert told["containers"][0]["exitCode"] == 3
        printed = run.log.read_text()
        assert "red" in printed
        assert "SIZE" in printed
        assert "FROM_OUTSIDE" not in printed
        about = requests.get(run.environment["ECS_CONTAINER_METADATA_URI_V4"] + "/task", timeout=300).json()
        assert about["TaskARN"] == task["taskArn"]


def test_an_interrupted_task_is_warned_and_then_ended(ecs: EcsDouble, tmp_path: Path) -> None:
    with EcsDouble(tmp_path / "more", CLUSTER, {}, stop_timeout=5) as double:
        client = boto3.client("ecs", endpoint_url=double.url)
        register(client, RUN_FAMILY, "FARGATE", {})
        command = [sys.executable, "-c", STUBBORN]
        client.run_task(**on("FARGATE_SPOT", overrides={"containerOverrides": [{"name": CONTAINER, "command": command}]}))
        (task,) = double.tasks
        while "up" not in task.log.read_text():
            assert not task.is_over
        double.interrupt(task)
        assert task.wait(300)
        assert (task.stop_code, task.exit_code, task.log.read_text().split()) == ("SpotInterruption", 137, ["up", "warned"])
