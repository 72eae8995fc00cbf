"""Partitions that somebody added by hand in Dagster's dialog and that name no study stop nobody, are named, and go."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from medsearch_core.keys import StudyKey
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.open import open_store
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.jobs import STUDY_ASSETS, UPKEEP_JOBS
from medsearch_pipeline.orchestration.partitions import NAME, Partitions
from medsearch_pipeline.settings import Settings
from tests.support.ingest import instance_in_memory, settings_in, take_ledger
from tests.support.landing import land_study

STUDIES = [StudyKey("p10000001", f"s5000000{n}") for n in range(1, 4)]
KEYS = [study.partition for study in STUDIES]
BAD = ["foo", "a b/c", "x/y/z"]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Three studies that have landed."""
    home = tmp_path_factory.mktemp("malformed")
    found = settings_in(home / "landing", home)
    landing = open_store(found.landing)
    for study in STUDIES:
        land_study(landing, study)
    return found


@pytest.fixture(scope="module")
def instance(settings: Settings) -> dg.DagsterInstance:
    """Their partitions, and three that name no study after them."""
    instance = instance_in_memory()
    assert run(settings, instance, "inventory_job").success
    instance.add_dynamic_partitions(NAME, BAD)
    return instance


def run(settings: Settings, instance: dg.DagsterInstance, job: str, *span: str) -> Any:
    ends = {f"dagster/asset_partition_range_{end}": key for end, key in zip(("start", "end"), span, strict=False)}
    return build_definitions(settings).resolve_job_def(job).execute_in_process(instance=instance, tags=ends)


def test_keys_are_told_apart_in_their_order() -> None:
    found = Partitions.of(["foo", "p1/s1", "p1/", "/s1", "p1/s1/x", "p2/s2", ""])
    assert found == Partitions([StudyKey("p1", "s1"), StudyKey("p2", "s2")], ["foo", "p1/", "/s1", "p1/s1/x", ""])


def test_a_run_over_malformed_partitions_makes_every_study_and_names_them(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    result = run(settings, instance, "ingest_job", KEYS[0], BAD[-1])
    assert result.success
    assert set(open_embedded(settings.index).studies()) == set(STUDIES)
    told: dict[tuple[str, str], Any] = {
        (event.asset_key.to_user_string(), event.partition): event.materialization.metadata
        for event in result.get_asset_materialization_events()
    }
    assert set(told) == {(asset, key) for asset in STUDY_ASSETS for key in (*KEYS, *BAD)}
    assert all(metadata["malformed_partitions"].value == BAD for metadata in told.values())
    assert all(("skipped" in metadata) == (key in BAD) for (_, key), metadata in told.items())
    warnings = [e.user_message for e in instance.all_logs(result.run_id) if e.level == 30]
    assert sum(all(key in text for key in BAD) for text in warnings) == 4, "once a step"


@pytest.mark.parametrize("job", [*UPKEEP_JOBS])
def test_a_run_over_a_malformed_partition_alone_succeeds(settings: Settings, instance: dg.DagsterInstance, job: str) -> None:
    assert run(settings, instance, job, "foo", "foo").success
    assert set(open_embedded(settings.index).studies()) == set(STUDIES)


def test_the_account_names_them_and_its_checks_pass(settings: Settings, instance: dg.DagsterInstance) -> None:
    result = take_ledger(settings, instance)
    (ledger,) = result.asset_materializations_for_node("ledger")
    assert ledger.metadata["malformed_partitions"].value == BAD
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_an_inventory_removes_them_but_those_that_a_run_works_on(settings: Settings, instance: dg.DagsterInstance) -> None:
    tags = {"dagster/partition": "foo"}
    created = create_run_for_test(instance, job_name="ingest_job", tags=tags, status=dg.DagsterRunStatus.STARTED)
    dry = build_definitions(settings).resolve_job_def("prune_job")
    assert dry.execute_in_process(instance=instance, run_config={"ops": {"prune": {"config": {"dry_run": True}}}}).success
    assert set(instance.get_dynamic_partitions(NAME)) == {*KEYS, *BAD}, "a dry one only says so"
    (inventory,) = run(settings, instance, "inventory_job").asset_materializations_for_node("inventory")
    assert inventory.metadata["malformed_partitions"].value == BAD
    assert inventory.metadata["studies_no_longer_landed"].value == 0
    assert set(instance.get_dynamic_partitions(NAME)) == {*KEYS, "foo"}
    instance.delete_run(created.run_id)
    assert run(settings, instance, "prune_job").success
    assert set(instance.get_dynamic_partitions(NAME)) == set(KEYS)
