"""The definitions of a deployment: all assets, checks, jobs, schedules, sensors and resources."""

import warnings

import dagster as dg

from medsearch_pipeline.assets.catalog import build_catalog
from medsearch_pipeline.assets.dicom_images import build_dicom_images
from medsearch_pipeline.assets.embeddings import build_embeddings
from medsearch_pipeline.assets.inventory import build_inventory
from medsearch_pipeline.assets.ledger import build_ledger
from medsearch_pipeline.assets.report_entities import build_report_entities
from medsearch_pipeline.assets.search_index import build_search_index
from medsearch_pipeline.checks.instance_size import build_instance_size_check
from medsearch_pipeline.checks.patient_data import build_patient_data_check
from medsearch_pipeline.ecs.executor_choice import build_executor
from medsearch_pipeline.orchestration.data_versions import patch_dagster
from medsearch_pipeline.orchestration.jobs import build_jobs, build_schedules
from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.sensors.alert_sensor import build_alert_sensor
from medsearch_pipeline.sensors.events_sensor import build_events_sensor
from medsearch_pipeline.sensors.ingest_sensor import build_ingest_sensor
from medsearch_pipeline.sensors.landing_sensor import build_landing_sensor
from medsearch_pipeline.sensors.upkeep_sensor import build_upkeep_sensor
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.upkeep.prune_job import build_prune_job

SENSORS = (build_landing_sensor, build_events_sensor, build_ingest_sensor, build_upkeep_sensor, build_alert_sensor)
"""Builders of the sensors; some sensors exist only if the settings ask for them."""


def build_definitions(settings: Settings) -> dg.Definitions:
    """The definitions of a deployment. Reads only a weights file, and connects to nothing."""
    patch_dagster()
    with warnings.catch_warnings():
        # Four assets cause it at each start. constraints.txt pins the version of Dagster this was tested with.
        warnings.filterwarnings("ignore", "Parameter `backfill_policy` of function `asset`", dg.BetaWarning)
        return _build(settings)


def _build(settings: Settings) -> dg.Definitions:
    policy = dg.BackfillPolicy.multi_run(max_partitions_per_run=settings.max_partitions_per_run)
    retries = Retries.of(settings)
    return dg.Definitions(
        assets=[
            build_inventory(settings),
            build_dicom_images(settings, policy, retries),
            build_embeddings(settings, policy, retries),
            build_report_entities(settings, policy, retries),
            build_search_index(settings, policy, retries),
            build_catalog(settings),
            build_ledger(settings),
        ],
        asset_checks=[build_patient_data_check(settings), build_instance_size_check(settings)],
        jobs=[*build_jobs(), build_prune_job(settings)],
        schedules=build_schedules(settings),
        sensors=[sensor for build in SENSORS if (sensor := build(settings))],
        resources=build_resources(settings),
        executor=build_executor(settings),
    )
