"""Where a run's steps execute: in its process, in separate processes, or in ECS tasks. The assets do not depend on it."""

from __future__ import annotations

import dagster as dg

from medsearch_pipeline.settings import Settings


def build_executor(settings: Settings) -> dg.ExecutorDefinition:
    """The executor of a deployment, for jobs and backfills."""
    if settings.executor == "ecs":
        from medsearch_pipeline.ecs.executor import build_ecs_executor  # imports boto3, which only ECS needs

        return build_ecs_executor(settings)
    return dg.multiprocess_executor if settings.executor == "multiprocess" else dg.in_process_executor
