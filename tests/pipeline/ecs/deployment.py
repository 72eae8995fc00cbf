"""The names of the tests' deployment on ECS, its task definitions, and what its processes find in their environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

CLUSTER, CONTAINER = "medsearch", "pipeline"
RUN_FAMILY, GPU_FAMILY, GPU_PROVIDER = "medsearch-pipeline", "medsearch-gpu", "medsearch-gpu-spot"

LAUNCHER = {
    "DAGSTER_ECS_TASK_DEFINITION": RUN_FAMILY,
    "DAGSTER_ECS_CONTAINER": CONTAINER,
    "DAGSTER_ECS_CLUSTER": CLUSTER,
    "DAGSTER_ECS_SUBNETS": "subnet-0a1, subnet-0b2",
    "DAGSTER_ECS_SECURITY_GROUPS": "sg-0c3",
}
STEPS = {
    "MEDSEARCH_EXECUTOR": "ecs",
    "MEDSEARCH_ECS_GPU_CAPACITY_PROVIDER": GPU_PROVIDER,
    "MEDSEARCH_ECS_GPU_TASK_DEFINITION": GPU_FAMILY,
    "MEDSEARCH_ECS_CAPACITY_PROVIDER": "FARGATE_SPOT",
}

ORIGIN = JobPythonOrigin(
    job_name="ingest_job",
    repository_origin=RepositoryPythonOrigin(
        executable_path="python", code_pointer=ModuleCodePointer("medsearch_pipeline.definitions", "defs", None)
    ),
)


def register(client: Any, family: str, compatibility: str, environment: Mapping[str, str]) -> None:
    """Registers a task definition as the deployment's templates do: one container, its own network."""
    client.register_task_definition(
        family=family,
        networkMode="awsvpc",
        requiresCompatibilities=[compatibility],
        cpu="512",
        memory="2048",
        containerDefinitions=[
            {
                "name": CONTAINER,
                "image": f"{family}:1",
                "essential": True,
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
            }
        ],
    )
