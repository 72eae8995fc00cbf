"""Where a run's steps run: in its process, in processes, or in ECS tasks. The assets are the same for all."""

from __future__ import annotations

import dagster as dg

from medsearch_pipeline.settings import Settings


def build_executor(settings: Settings) -> dg.ExecutorDefinition:
    """The executor of a deployment: of its jobs and of backfills."""
    if settings.executor == "ecs":
        from medsearch_pipeline.ecs.executor import build_ecs_executor  # with boto3, which only ECS needs here

        return build_ecs_executor(settings)
    return dg.multiprocess_executor if settings.executor == "multiprocess" else dg.in_process_executor
