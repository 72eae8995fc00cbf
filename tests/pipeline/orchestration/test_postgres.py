"""docker/dagster.yaml on a real Postgres: partitions, a run through the project's own jobs, and what the UI reads of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
from dagster_postgres import PostgresEventLogStorage

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_pipeline.orchestration.partitions import NAME, register
from tests.support.ingest import ingest, settings_in
from tests.support.landing import land_study
from tests.support.paths import PROJECT_ROOT
from tests.support.postgres_server import postgres

YAML = PROJECT_ROOT / "docker" / "dagster.yaml"
STUDIES = [StudyKey("p10000001", "s50000001"), StudyKey("p10000002", "s50000002")]


def test_production_instance_keeps_partitions_and_runs_in_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(YAML, tmp_path / "dagster.yaml")
    for study in STUDIES:
        land_study(open_store(str(tmp_path / "landing")), study)
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    with postgres("fsync=off") as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert isinstance(instance.event_log_storage, PostgresEventLogStorage)
            assert register(instance, STUDIES[::-1]) == ["p10000001/s50000001", "p10000002/s50000002"]
            assert ingest(settings_in(tmp_path / "landing", tmp_path), instance).success
        with dg.DagsterInstance.from_config(str(tmp_path)) as again:
            assert again.get_dynamic_partitions(NAME) == ["p10000001/s50000001", "p10000002/s50000002"]
            assert again.get_materialized_partitions(dg.AssetKey("search_index")) == {s.partition for s in STUDIES}
            assert [run.status for run in again.get_runs()] == [dg.DagsterRunStatus.SUCCESS] * 2
    assert not list(tmp_path.rglob("*.db"))
