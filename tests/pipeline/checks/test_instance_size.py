"""Whoever outgrows SQLite is told so where they look: on the inventory, in words that say what to do."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from medsearch_core.keys import StudyKey
from medsearch_pipeline.checks.instance_size import build_instance_size_check
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.orchestration.event_storage import SqliteStorage
from medsearch_pipeline.orchestration.partitions import NAME, register
from medsearch_pipeline.orchestration.sqlite_limit import COMFORTABLE_ON_SQLITE, advice_for
from medsearch_pipeline.settings import Settings
from tests.support.ingest import local_instance, settings_in
from tests.support.sentences import figures


@pytest.mark.parametrize(
    ("is_on_sqlite", "partitions", "is_told"),
    [(True, COMFORTABLE_ON_SQLITE, False), (True, COMFORTABLE_ON_SQLITE + 1, True), (False, 10 * COMFORTABLE_ON_SQLITE, False)],
)
def test_many_studies_are_too_many_for_sqlite_alone(is_on_sqlite: bool, partitions: int, is_told: bool) -> None:
    advice = advice_for(is_on_sqlite, partitions, COMFORTABLE_ON_SQLITE)
    assert (advice is not None) == is_told
    assert advice is None or f"{partitions} studies" in advice


@pytest.mark.parametrize(("comfortable", "passed"), [(2, True), (1, False)])
def test_the_check_reads_the_instance(tmp_path: Path, comfortable: int, passed: bool) -> None:
    instance = local_instance(tmp_path)
    register(instance, [StudyKey("p10000001", "s50000001"), StudyKey("p10000002", "s50000002")])

    @dg.asset
    def inventory() -> None: ...

    run = dg.materialize(
        [inventory, build_instance_size_check(Settings(), comfortable)],
        instance=instance,
        selection=dg.AssetSelection.checks_for_assets("inventory"),
    )
    (result,) = run.get_asset_check_evaluations()
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert {name: value.value for name, value in result.metadata.items()} == {"partitions": 2, "storage": "sqlite"}


def test_every_inventory_evaluates_it(tmp_path: Path) -> None:
    job = build_definitions(settings_in(tmp_path, tmp_path)).resolve_job_def("inventory_job")
    assert (
        dg.AssetCheckKey(dg.AssetKey("inventory"), "dagster_storage_is_adequate")
        in job.asset_layer.asset_graph.asset_check_keys
    )
    assert "inventory_dagster_storage_is_adequate" in {node.name for node in job.nodes}


@pytest.mark.parametrize(("comfortable", "told"), [(2, 0), (1, 1)])
def test_every_process_that_opens_sqlite_is_told_at_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, comfortable: int, told: int
) -> None:
    storage = SqliteStorage(str(tmp_path))
    storage.event_log_storage.add_dynamic_partitions(NAME, ["p10000001/s50000001", "p10000002/s50000002"])
    storage.event_log_storage.add_dynamic_partitions("another", ["1", "2", "3"])
    assert not caplog.messages
    SqliteStorage(str(tmp_path), comfortable=comfortable)
    assert [message for message in caplog.messages if 2 in figures(message)] == caplog.messages
    assert len(caplog.messages) == told
