"""The settings of an ECS deployment, part of `medsearch_pipeline.settings`: names, defaults and meaning.

They end up in tags that everyone with access to Dagster's UI can read, so they must not contain secrets.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from medsearch_pipeline.settings.fargate_sizes import faults_of_size


class EcsSettings(BaseModel):
    """Where steps run. Without ECS, only `executor` applies."""

    executor: Literal["in_process", "multiprocess", "ecs"] = Field(
        "in_process",
        description="where steps run: in the run's process, in a process each, or in an ECS task each (docs/ecs.md)",
    )
    ecs_cpu: int = Field(2048, description="CPU units of a step's Fargate task; 1024 is one vCPU")
    ecs_memory: int = Field(8192, description="MiB of memory of a step's Fargate task")
    ecs_ephemeral_storage: int | None = Field(
        None, ge=21, le=200, description="GiB of disk of a step's Fargate task; empty means Fargate's 20"
    )
    ecs_capacity_provider: Literal["FARGATE", "FARGATE_SPOT"] = Field(
        "FARGATE",
        description="capacity provider of steps over studies, except on a GPU; FARGATE_SPOT is cheaper but may be interrupted",
    )
    ecs_gpu_capacity_provider: str | None = Field(
        None,
        description="capacity provider of GPU instances, for embeddings; empty runs them on Fargate CPUs",
    )
    ecs_gpu_task_definition: str | None = Field(
        None,
        description="task definition, family or ARN, with the CUDA image; its container has the same name as the run's. "
        "Empty means the run's own",
    )
    ecs_gpus: int = Field(1, ge=1, le=16, description="GPUs of the embeddings' task")
    ecs_gpu_cpu: int = Field(4096, ge=128, le=196_608, description="CPU units of the embeddings' task on a GPU instance")
    ecs_gpu_memory: int = Field(
        14_336, ge=512, description="MiB of memory of the embeddings' task on a GPU instance; less than the instance's own"
    )
    ecs_restarts: int = Field(
        10, ge=0, description="how often to restart a step whose task ECS took away or had no capacity for"
    )
    ecs_restart_seconds: float = Field(
        30, ge=0, description="seconds before the first such restart; doubled for each further one, at most 10 minutes"
    )
    ecs_check_seconds: int = Field(20, ge=1, description="seconds between a run's checks that its steps' ECS tasks are alive")

    @field_validator("ecs_memory")
    @classmethod
    def _is_a_size_of_fargate(cls, value: int, info: ValidationInfo) -> int:
        if "ecs_cpu" in info.data and (fault := faults_of_size(info.data["ecs_cpu"], value)):
            raise ValueError(fault)
        return value
