"""Schedules: what is looked at whether or not anything was noticed."""

import dagster as dg

from medsearch_pipeline.settings import Settings


def build_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """`inventory_schedule` looks at the whole landing store, `ledger_schedule` accounts for every object; times are UTC."""
    status = dg.DefaultScheduleStatus[settings.sensors.upper()]
    return [
        dg.ScheduleDefinition(
            name="inventory_schedule",
            job_name="inventory_job",
            cron_schedule=settings.inventory_cron,
            default_status=status,
            description="Looks at the whole landing store, and compacts what was noticed since the last time.",
        ),
        dg.ScheduleDefinition(
            name="ledger_schedule",
            job_name="ledger_job",
            cron_schedule=settings.ledger_cron,
            default_status=status,
            description="Says what became of every landed object.",
        ),
    ]
