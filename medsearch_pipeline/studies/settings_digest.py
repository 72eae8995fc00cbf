"""The digest of everything that may affect the outcome of a run over studies: a failed run is retried when it changes."""

from __future__ import annotations

from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.keys import digest_of
from medsearch_pipeline.models.code_version import code_version_of
from medsearch_pipeline.report_readers.reader import reader_version
from medsearch_pipeline.settings import Settings

WITHOUT_EFFECT = {
    "sensors",
    "settle_seconds",
    "max_wait_seconds",
    "dispatch_interval_seconds",
    "scan_objects_per_tick",
    "scan_interval_seconds",
    "inventory_cron",
    "ledger_cron",
    "max_runs_in_flight",
    "max_partitions_per_run",
    "event_check_runs",
    "inventory_fresh_hours",
    "ledger_fresh_hours",
    "alert_timeout_seconds",
    "events_queue",
    "events_per_tick",
    "min_joined_reports",
    "min_reported_studies",
    "dagster_url",
    "api_url",
}
"""Settings of timing and display do not count, nor do secrets: a digest could reveal a weak one."""


def settings_digest(settings: Settings) -> str:
    """The digest of the settings, the weights file and the code versions that runs depend on."""
    values = settings.model_dump(mode="json", exclude=WITHOUT_EFFECT)
    secret = {name for name in values if "SecretStr" in str(type(settings).model_fields[name].annotation)}
    named = [f"{name}={values[name]}" for name in sorted(values.keys() - secret)]
    versions = (code_version_of(settings.model, settings.weights), PIXEL_VERSION, reader_version(settings))
    return digest_of(*named, *versions)
