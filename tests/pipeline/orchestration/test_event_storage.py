"""A batch of events leaves what Dagster's own writes, one by one, leave: read back every way that Dagster reads events."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import (
    AssetMaterializationPlannedData,
    DagsterEvent,
    DagsterEventBatchMetadata,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.base import EventLogStorage

from medsearch_pipeline.orchestration.event_storage import PostgresEventLog, SqliteEventLog
from tests.support.paths import PROJECT_ROOT
from tests.support.postgres_server import new_database, postgres

ROOT = PROJECT_ROOT
RUN = "11111111-1111-4111-8111-111111111111"
KEYS = ["p10000001/s50000001", "p10000001/s50000002", "p10000002/s50000003"]


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """One Postgres for this module; every test has a database of its own."""
    with postgres("fsync=off") as environment:
        yield environment


@pytest.fixture(params=["sqlite", "postgres"])
def instance(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance as the project's own dagster.yaml has it."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    if request.param == "sqlite":
        shutil.copy(ROOT / "dagster.yaml", tmp_path)
        with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
            yield opened
        return
    shutil.copy(ROOT / "docker" / "dagster.yaml", tmp_path)
    for name, value in new_database(request.getfixturevalue("server")).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


def entry(event: DagsterEvent, timestamp: float, run_id: str = RUN) -> EventLogEntry:
    return EventLogEntry(
        error_info=None,
        user_message="",
        level=10,
        run_id=run_id,
        timestamp=timestamp,
        job_name="job",
        step_key="step",
        dagster_event=event,
    )


def planned(asset: str, key: str, timestamp: float) -> EventLogEntry:
    data = AssetMaterializationPlannedData(dg.AssetKey(asset), partition=key, partitions_subset=None)
    return entry(DagsterEvent.build_asset_materialization_planned_event("job", "step", data), timestamp)


def materialised(asset: str, key: str, timestamp: float) -> EventLogEntry:
    made = dg.AssetMaterialization(asset, partition=key, tags={"dagster/data_version": f"v{key}"}, metadata={"images": 2})
    event = DagsterEvent("ASSET_MATERIALIZATION", "job", step_key="step", event_specific_data=StepMaterializationData(made))
    return entry(event, timestamp)


def seen(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    """What Dagster reads of an asset, but for the asset's own name and the rows' numbers."""
    key, log = dg.AssetKey(asset), instance.event_log_storage
    (record,) = instance.get_asset_records([key])
    ran = [r.event_log_entry.get_dagster_event() for r in instance.get_records_for_run(RUN).records]
    return {
        "materialised": instance.get_materialized_partitions(key),
        "planned without": set(log.get_latest_asset_partition_materialization_attempts_without_materializations(key)),
        "tags": sorted((t[0], t[1]) for e in instance.get_event_tags_for_asset(key) for t in e.items()),
        "version": log.get_latest_tags_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"]),
        "last": record.asset_entry.last_materialization_record and record.asset_entry.last_materialization_record.partition_key,
        "last run": record.asset_entry.last_run_id,
        "of the run": [(event.event_type_value, event.partition) for event in ran if event.asset_key == key],
        "records": [
            (r.partition_key, r.asset_materialization and r.asset_materialization.tags)
            for r in instance.fetch_materializations(key, limit=10).records
        ],
    }


@pytest.mark.parametrize("of", [[planned], [materialised], [planned, materialised]])
def test_a_batch_leaves_what_single_writes_leave(
    instance: dg.DagsterInstance, of: list[Callable[[str, str, float], EventLogEntry]]
) -> None:
    log = instance.event_log_storage
    assert isinstance(log, SqliteEventLog | PostgresEventLog)
    singly, at_once = (
        [make(asset, key, 1.7e9 + n) for make in of for n, key in enumerate(KEYS)] for asset in ("singly", "at_once")
    )
    EventLogStorage.store_event_batch(log, singly)  # Dagster's own: one by one
    log.store_event_batch(at_once)
    assert seen(instance, "at_once") == seen(instance, "singly")
    assert len(seen(instance, "at_once")["of the run"]) == len(KEYS) * len(of)


def test_a_batch_of_several_assets_runs_and_kinds_is_stored_whole(instance: dg.DagsterInstance) -> None:
    other = str(uuid.uuid4())
    events = [planned("a", KEYS[0], 1.7e9), materialised("b", KEYS[1], 1.7e9 + 1)]
    events.append(entry(planned("b", KEYS[2], 1.7e9 + 2).get_dagster_event(), 1.7e9 + 2, other))
    for number, event in enumerate(events):
        instance.handle_new_event(event, batch_metadata=DagsterEventBatchMetadata("one", number == 2))
    assert [len(instance.get_records_for_run(run).records) for run in (RUN, other)] == [2, 1]
    assert instance.get_materialized_partitions(dg.AssetKey("b")) == {KEYS[1]}
    assert {r.asset_entry.asset_key.to_user_string() for r in instance.get_asset_records()} == {"a", "b"}
