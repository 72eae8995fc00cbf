"""The tags that tell `dagster_aws` which task a step runs in: size, capacity provider, GPU.

Every step sets all of `ecs/cpu`, `ecs/memory` and `ecs/run_task_kwargs`, even to the defaults: for a step without the last,
dagster-aws 0.29 stores its request and reuses it for later steps, which then run with this step's size and GPU
(docs/adr/0018-ecs.md). Everyone with access to Dagster's UI can read tags, so they must not contain secrets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from medsearch_pipeline.settings.ecs import EcsSettings

STEADY_PROVIDER = "FARGATE"
"""For steps that cannot resume after an interruption."""


def study_step_tags(settings: EcsSettings) -> Mapping[str, str]:
    """Tags of a step over studies. It may be interrupted, because a retry skips the studies it finished."""
    return _fargate(settings, settings.ecs_capacity_provider)


def whole_step_tags(settings: EcsSettings) -> Mapping[str, str]:
    """Tags of a step that cannot resume (an inventory, the ledger, a check): never on Spot."""
    return _fargate(settings, STEADY_PROVIDER)


def gpu_step_tags(settings: EcsSettings) -> Mapping[str, str]:
    """Tags of the step that uses a GPU; those of a step over studies if the deployment has no GPUs."""
    if settings.executor != "ecs" or not settings.ecs_gpu_capacity_provider:
        return study_step_tags(settings)
    gpus = {"resourceRequirements": [{"type": "GPU", "value": str(settings.ecs_gpus)}]}
    kwargs: dict[str, Any] = {"capacityProviderStrategy": strategy_of(settings.ecs_gpu_capacity_provider)}
    if settings.ecs_gpu_task_definition:
        kwargs["taskDefinition"] = settings.ecs_gpu_task_definition
    return {**_task(settings.ecs_gpu_cpu, settings.ecs_gpu_memory, kwargs), "ecs/container_overrides": _json(gpus)}


def strategy_of(capacity_provider: str) -> list[dict[str, Any]]:
    """The strategy that places tasks on one capacity provider."""
    return [{"capacityProvider": capacity_provider, "weight": 1}]


def _fargate(settings: EcsSettings, capacity_provider: str) -> dict[str, str]:
    if settings.executor != "ecs":
        return {}
    disk = settings.ecs_ephemeral_storage
    kwargs = {"capacityProviderStrategy": strategy_of(capacity_provider)}
    return {**_task(settings.ecs_cpu, settings.ecs_memory, kwargs), **({"ecs/ephemeral_storage": str(disk)} if disk else {})}


def _task(cpu: int, memory: int, kwargs: Mapping[str, Any]) -> dict[str, str]:
    return {"ecs/cpu": str(cpu), "ecs/memory": str(memory), "ecs/run_task_kwargs": _json(kwargs)}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
