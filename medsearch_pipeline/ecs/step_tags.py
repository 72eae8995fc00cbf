"""The tags by which a step tells `dagster_aws` in what task it runs: size, capacity provider, GPU.

Every step has all of `ecs/cpu`, `ecs/memory` and `ecs/run_task_kwargs`, the default ones too: for a step without the last,
dagster-aws 0.29 writes its request into what it keeps for later steps, which then run with this one's size and GPU. docs/adr/
0018-ecs.md tells more. Tags are read by everyone who sees Dagster's UI: nothing secret belongs into them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from medsearch_pipeline.settings.ecs import EcsSettings

STEADY_PROVIDER = "FARGATE"
"""Where steps run that cannot go on where they were interrupted."""


def study_step_tags(settings: EcsSettings) -> Mapping[str, str]:
    """Those of a step over studies. It may be interrupted: what it finished is unchanged for the next try."""
    return _fargate(settings, settings.ecs_capacity_provider)


def whole_step_tags(settings: EcsSettings) -> Mapping[str, str]:
    """Those of a step that does one thing or nothing (an inventory, the ledger, a check): never on Spot."""
    return _fargate(settings, STEADY_PROVIDER)


def gpu_step_tags(settings: EcsSettings) -> Mapping[str, str]:
    """Those of the step that wants a GPU; a step over studies' where the deployment has no GPUs."""
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
