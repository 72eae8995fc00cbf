"""ECS of one cluster for a test, and what reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.pipeline.ecs.deployment import CLUSTER, GPU_FAMILY, GPU_PROVIDER, RUN_FAMILY, register
from tests.support.ecs_double.server import ENDPOINT_VARIABLE, EcsDouble, Instances
from tests.support.s3 import CREDENTIALS


@pytest.fixture
def ecs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EcsDouble]:
    """A cluster with one g4dn.xlarge, and the task definitions of runs and of the GPU step; nothing runs in its tasks."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with EcsDouble(tmp_path / "tasks", CLUSTER, {GPU_PROVIDER: Instances(4096, 15_731, 1)}) as double:
        monkeypatch.setenv(ENDPOINT_VARIABLE, double.url)
        double.hold_tasks()
        for family, compatibility in ((RUN_FAMILY, "FARGATE"), (GPU_FAMILY, "EC2")):
            register(boto3.client("ecs"), family, compatibility, {})
        yield double
