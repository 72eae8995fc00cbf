"""One whole ingestion without servers; as a program it can be killed in the middle.

python -m tests.ingest LANDING HOME
"""

import sys
from pathlib import Path

import dagster as dg

from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.settings import Settings


def local_instance(home: Path) -> dg.DagsterInstance:
    """A Dagster instance of its own in a folder, that tells nobody and keeps its events as dagster.yaml says."""
    home.mkdir(parents=True, exist_ok=True)
    storage = {
        "module": "medsearch_pipeline.orchestration.event_storage",
        "class": "SqliteStorage",
        "config": {"base_dir": str(home)},
    }
    return dg.DagsterInstance.local_temp(str(home), {"telemetry": {"enabled": False}, "storage": {"custom": storage}})


def instance_in_memory() -> dg.DagsterInstance:
    """A Dagster instance that no other process opens and nobody opens again: its runs take a third of the time."""
    return dg.DagsterInstance.ephemeral()


def settings_in(landing: Path, home: Path) -> Settings:
    """Settings that keep everything below one folder."""
    return Settings(
        landing=str(landing),
        warehouse=str(home / "warehouse"),
        index=str(home / "index"),
        model="efficientnet_lite0",
        weights="imagenet",
    )


def ingest(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Takes inventory, then ingests every partition in one run."""
    defs = build_definitions(settings)
    assert defs.resolve_job_def("inventory_job").execute_in_process(instance=instance).success
    keys = instance.get_dynamic_partitions("patient_study")
    span = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
    return defs.resolve_job_def("ingest_job").execute_in_process(instance=instance, tags=span)


def take_ledger(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Brings the catalogue and the ledger up to date."""
    return build_definitions(settings).resolve_job_def("ledger_job").execute_in_process(instance=instance)


if __name__ == "__main__":
    landing, home = Path(sys.argv[1]), Path(sys.argv[2])
    ingest(settings_in(landing, home), local_instance(home / "dagster"))
