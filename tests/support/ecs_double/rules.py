"""ECS's rules for RunTask that no model of the service states, from the Amazon ECS Developer Guide and API Reference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.ecs_double.protocol import Refused

FARGATE = ("FARGATE", "FARGATE_SPOT")
LONGEST_OVERRIDES = 8192
FARGATE_MEMORY = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
    8192: range(16384, 61441, 4096),
    16384: range(32768, 122881, 8192),
}


@dataclass(frozen=True)
class Wanted:
    """What a task is to have, the overrides over its definition. CPU units and MiB."""

    provider: str
    cpu: int
    memory: int
    gpus: int

    @property
    def is_fargate(self) -> bool:
        """Whether it runs on Fargate, Spot or not."""
        return self.provider in FARGATE


def wanted(request: Mapping[str, Any], definition: Mapping[str, Any], providers: Mapping[str, Any]) -> Wanted:
    """Where and with what a task is to run.

    Args:
        definition: the task definition.
        providers: those of the cluster, by name.

    Raises:
        Refused: ECS would refuse the request as a whole.
    """
    overrides = request.get("overrides", {})
    if "launchType" in request and "capacityProviderStrategy" in request:
        _refuse("Specify either launch type or capacity provider strategy, but not both.")
    if len(json.dumps(overrides)) > LONGEST_OVERRIDES:
        _refuse("Container Overrides length must be at most 8192.")
    provider = _provider(request, providers)
    containers = {c["name"]: dict(c) for c in definition["containerDefinitions"]}
    for override in overrides.get("containerOverrides", ()):
        if override.get("name") not in containers:
            _refuse(f"Override for container named {override.get('name')} is not a container in the TaskDefinition.")
        containers[override["name"]] |= override
    gpus = sum(
        int(need["value"])
        for container in containers.values()
        for need in container.get("resourceRequirements", ())
        if need["type"] == "GPU"
    )
    cpu = overrides.get("cpu") or definition.get("cpu") or sum(c.get("cpu", 0) for c in containers.values())
    memory = overrides.get("memory") or definition.get("memory") or sum(c.get("memory", 0) for c in containers.values())
    found = Wanted(provider, int(cpu), int(memory), gpus)
    for container in containers.values():
        if container.get("cpu", 0) > found.cpu or container.get("memory", 0) > found.memory:
            _refuse(f"Invalid setting for container '{container['name']}': it wants more than its task has.")
    _check_network(request, definition, found)
    _check_compatibility(definition, found, overrides)
    return found


def _refuse(message: str) -> None:
    raise Refused("InvalidParameterException", message)


def _provider(request: Mapping[str, Any], providers: Mapping[str, Any]) -> str:
    if "capacityProviderStrategy" not in request:
        return "FARGATE" if request.get("launchType", "EC2") == "FARGATE" else next(p for p in providers if p not in FARGATE)
    names = [item["capacityProvider"] for item in request["capacityProviderStrategy"]]
    for name in names:
        if name not in providers:
            _refuse(f"The specified capacity provider '{name}' was not found in the cluster.")
    if len({name in FARGATE for name in names}) != 1:
        _refuse(
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate."
        )
    if not any(item.get("weight", 0) for item in request["capacityProviderStrategy"]):
        _refuse("At least one capacity provider of a strategy must have a weight greater than zero.")
    return str(names[0])


def _check_network(request: Mapping[str, Any], definition: Mapping[str, Any], found: Wanted) -> None:
    network = request.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if definition.get("networkMode") == "awsvpc" and not network:
        _refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if definition.get("networkMode") != "awsvpc" and network:
        _refuse("Network Configuration is not valid for the given networkMode of this task definition.")
    if network and network.get("assignPublicIp") == "ENABLED" and not found.is_fargate:
        _refuse("Assign public IP is not supported for this launch type.")


def _check_compatibility(definition: Mapping[str, Any], found: Wanted, overrides: Mapping[str, Any]) -> None:
    kind = "FARGATE" if found.is_fargate else "EC2"
    if kind not in definition["requiresCompatibilities"]:
        _refuse(f"Task definition does not support launch_type {kind}.")
    disk = overrides.get("ephemeralStorage", {}).get("sizeInGiB")
    if disk is not None and not (found.is_fargate and 21 <= disk <= 200):
        _refuse("The specified ephemeral storage is not valid: 21 to 200 GiB, on Fargate.")
    if not found.is_fargate:
        return
    if found.gpus:
        _refuse("Resource requirements of type GPU are not supported on Fargate.")
    if found.memory not in FARGATE_MEMORY.get(found.cpu, ()):
        _refuse(f"No Fargate configuration exists for given values: {found.cpu} CPU, {found.memory} memory.")
