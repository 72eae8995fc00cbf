"""`EcsLauncher`: dagster-aws's run launcher, with network and capacity provider read from the environment.

dagster-aws takes both from the launching task, or from literal YAML. The former sets a launch type, which its executor then
sends together with a step's capacity provider, and ECS rejects that; the latter would need one file per deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from dagster import Field, StringSource
from dagster._serdes.config_class import ConfigurableClassData
from dagster_aws.ecs import EcsRunLauncher

from medsearch_pipeline.ecs.step_tags import strategy_of


class EcsLauncher(EcsRunLauncher):
    """Launches each run as an ECS task, which launches a task for each of its steps."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """dagster-aws's fields, and those of the network. `secrets_tag` has no default here, so no secret is looked up by
        tag."""
        inherited = super().config_type()
        del inherited["use_current_ecs_task_config"], inherited["secrets_tag"]
        return {
            **inherited,
            "cluster": Field(StringSource, description="Name or ARN of the cluster that runs and their steps run in."),
            "subnets": Field(StringSource, description="Ids of the tasks' subnets, separated by commas."),
            "security_groups": Field(StringSource, description="Ids of the tasks' security groups, separated by commas."),
            "capacity_provider": Field(
                StringSource,
                is_required=False,
                default_value="FARGATE",
                description="Capacity provider of runs. A run's task lives as long as the run, so avoid Spot.",
            ),
        }

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The launcher of a dagster.yaml."""
        given = dict(config_value)
        kwargs = run_task_arguments(
            given.pop("cluster"), given.pop("subnets"), given.pop("security_groups"), given.pop("capacity_provider")
        )
        given["run_task_kwargs"] = {**kwargs, **given.get("run_task_kwargs", {})}
        given |= {"use_current_ecs_task_config": False, "secrets_tag": None}
        return cls(inst_data=inst_data, **given)


def run_task_arguments(cluster: str, subnets: str, security_groups: str, capacity_provider: str) -> dict[str, Any]:
    """The arguments of every RunTask, for runs and steps.

    It sets a strategy, not a launch type: a step can replace a strategy, but cannot remove a launch type.

    Args:
        subnets: ids separated by commas, like `security_groups`.
    """
    return {
        "cluster": cluster,
        "capacityProviderStrategy": strategy_of(capacity_provider),
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": _listed(subnets),
                "securityGroups": _listed(security_groups),
                "assignPublicIp": "DISABLED",
            }
        },
    }


def _listed(ids: str) -> list[str]:
    return [each for part in ids.split(",") if (each := part.strip())]
