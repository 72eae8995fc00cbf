"""Dagster's jobs and schedules, built from the table of `medsearch_pipeline.jobs`."""

from functools import cache
from typing import Any

import dagster as dg

from medsearch_pipeline.jobs import JOBS
from medsearch_pipeline.settings import Settings


@cache
def build_jobs() -> tuple[Any, ...]:
    """Every asset job. Returns the same objects at each call, as Dagster requires for jobs that sensors launch."""
    return tuple(
        dg.define_asset_job(job.name, selection=list(job.assets), description=job.description) for job in JOBS if job.assets
    )


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The schedules of a deployment; times are UTC."""
    return [
        dg.ScheduleDefinition(
            name=job.schedule,
            job_name=job.name,
            cron_schedule=getattr(settings, job.cron),
            default_status=dg.DefaultScheduleStatus[settings.sensors.upper()],
            description=job.description,
        )
        for job in JOBS
        if job.cron
    ]
