"""The Dagster project as the UI shows it, and one run of it over many studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from pydantic import SecretStr

from medsearch_core.errors import ConfigurationError, DocumentsRefused, IndexMismatch, RemovalUnconfirmed
from medsearch_core.keys import StudyKey
from medsearch_core.records import TABLES
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.embedded.index import EmbeddedIndex, open_embedded
from medsearch_core.storage.ledger import read_totals
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake.compaction import REJECTIONS_PATH
from medsearch_pipeline.intake.inventory import PATH
from medsearch_pipeline.releases.build import reindex
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.settings import Settings
from tests.support.ingest import ingest as run
from tests.support.ingest import instance_in_memory, local_instance, settings_in, take_ledger
from tests.support.landing import folder_of, image_bytes, land_study

STUDIES = [StudyKey("p10000001", "s50000001"), StudyKey("p10000001", "s50000002"), StudyKey("p10000002", "s50000003")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "landing", tmp_path)


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return instance_in_memory()


def test_the_asset_graph_is_this_one(settings: Settings) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    edges = {
        key.to_user_string(): sorted(p.to_user_string() for p in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
    }
    assert edges == {
        "inventory": [],
        "dicom_metadata": ["inventory"],
        "thumbnails": ["inventory"],
        "embeddings": ["thumbnails"],
        "report_entities": ["inventory"],
        "search_index": ["dicom_metadata", "embeddings", "report_entities"],
        "catalogue": ["dicom_metadata", "embeddings", "report_entities", "thumbnails"],
        "ledger": ["catalogue", "inventory", "search_index"],
    }
    names = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    assert {n for n, node in names.items() if node.partitions_def} == names.keys() - {"inventory", "catalogue", "ledger"}
    assert all(node.description and node.description.startswith("One ") for node in names.values())
    assert all(node.owners and node.kinds and node.group_name == "medsearch" for node in names.values())


def test_every_table_tells_its_columns(settings: Settings) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    for table in ("inventory", "dicom_metadata", "thumbnails", "embeddings", "report_entities", "catalogue", "ledger"):
        schema = graph.get(dg.AssetKey(table)).metadata["dagster/column_schema"]
        assert [c.name for c in schema.columns] == [f.name for f in fields(TABLES[table])]
        assert all(c.description for c in schema.columns)


def test_one_run_brings_many_studies_to_the_index_and_accounts_for_every_object(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    landing = open_store(settings.landing)
    for study in STUDIES:
        land_study(landing, study, images=2)
    landing.write(f"{folder_of(STUDIES[0])}/broken.dcm", b"%PDF-1.7")
    landing.write("index.html", b"<html>")
    result = run(settings, instance)
    assert result.success
    health = open_embedded(settings.index).health()
    assert (health.images, health.reports, health.studies) == (6, 3, 3)
    assert take_ledger(settings, instance).success
    totals = read_totals(Warehouse(open_store(settings.warehouse)))
    assert totals
    indexed, rejected, excluded = (totals.of(state) for state in ("indexed", "rejected", "excluded"))
    assert (totals.landed, indexed.objects, indexed.reports, indexed.images) == (11, 9, 3, 6)
    assert (rejected.reasons, excluded.reasons) == ({"not_dicom": 1}, {"unrecognised_object": 1})


def test_each_partition_tells_its_own_counts_and_the_run_their_sum(settings: Settings, instance: dg.DagsterInstance) -> None:
    landing = open_store(settings.landing)
    for images, study in enumerate(STUDIES, start=1):
        land_study(landing, study, images=images)
    landing.write(f"{folder_of(STUDIES[0])}/broken.dcm", b"%PDF-1.7")
    result = run(settings, instance)
    told: dict[tuple[str, str | None], dict[str, Any]] = {
        (e.asset_key.to_user_string(), e.partition): {k: v.value for k, v in e.materialization.metadata.items()}
        for e in result.get_asset_materialization_events()
        if e.asset_key
    }
    assert len(told) == 5 * 3
    assert told["dicom_metadata", STUDIES[0].partition].items() >= {"images": 1, "rejected": 1, "run_images": 6}.items()
    assert told["dicom_metadata", STUDIES[2].partition].items() >= {"images": 3, "rejected": 0, "run_rejected": 1}.items()
    assert told["embeddings", STUDIES[2].partition]["model_id"] == "efficientnet_lite0-imagenet"
    assert told["search_index", STUDIES[1].partition].items() >= {"images": 2, "reports": 1, "index_studies": 3}.items()
    assert told["search_index", STUDIES[1].partition]["index_images_per_second"] > 0
    preview = told["thumbnails", STUDIES[1].partition]["preview"]
    assert preview.startswith(f"![{STUDIES[1]}](http://localhost:8000/thumbnails/{STUDIES[1]}/2.25.")
    checks = {c.check_name: (c.passed, c.severity.value) for c in result.get_asset_check_evaluations()}
    assert checks == {
        "every_dicom_object_was_used": (False, "WARN"),
        "every_report_was_used": (True, "WARN"),
        "thumbnails_match_files": (True, "ERROR"),
        "every_image_has_one_embedding": (True, "ERROR"),
        "embeddings_are_valid": (True, "ERROR"),
        "indexed_vectors_match_embeddings": (True, "ERROR"),
    }


def test_a_second_run_changes_nothing(settings: Settings, instance: dg.DagsterInstance) -> None:
    land_study(open_store(settings.landing), STUDIES[0], images=2)
    run(settings, instance)
    stores = [open_store(settings.warehouse), open_store(settings.index)]
    before, listed = [content(store) for store in stores], inventory(settings)
    tags = [
        {o.key: o.etag for o in store.list() if o.key.startswith(("dicom", "thumb", "embed", "report"))} for store in stores
    ]
    result = run(settings, instance)
    assert [content(store) for store in stores] == before
    assert inventory(settings) == listed
    assert [
        {o.key: o.etag for o in store.list() if o.key.startswith(("dicom", "thumb", "embed", "report"))} for store in stores
    ] == tags
    written = [e.materialization.metadata.get("run_studies_written") for e in result.get_asset_materialization_events()]
    assert [w.value for w in written if w] == [0]
    rates = [e.materialization.metadata.get("index_images_per_second") for e in result.get_asset_materialization_events()]
    assert [r.value for r in rates if r] == [0.0]


def content(store: ObjectStore) -> dict[str, bytes]:
    """What a run writes only when it changes: all but the inventory."""
    return {o.key: store.read(o.key) for o in store.list() if "inventory" not in o.key}


def inventory(settings: Settings) -> list[pa.Table]:
    warehouse = Warehouse(open_store(settings.warehouse))
    return [warehouse.read(PATH), warehouse.read(REJECTIONS_PATH)]


def test_every_table_names_the_run_that_made_it_and_not_a_later_one_that_found_it_unchanged(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    landing, warehouse = open_store(settings.landing), Warehouse(open_store(settings.warehouse))
    for study in STUDIES[:2]:
        land_study(landing, study)
    first = run(settings, instance).run_id
    tables = (o.key for o in warehouse.store.list() if o.key.endswith(".parquet"))
    paths = [path for path in tables if not path.startswith("intake/")]  # the journal's entries are no tables
    assert {path for path in paths if warehouse.run_of(path) != first} == {PATH, REJECTIONS_PATH}
    taken = {warehouse.run_of(path) for path in (PATH, REJECTIONS_PATH)}
    assert taken == {r.run_id for r in instance.get_runs() if r.job_name == "inventory_job"}
    landing.write(f"{folder_of(STUDIES[0])}.txt", b"IMPRESSION: No effusion.")
    second = run(settings, instance).run_id
    changed = {study_path(table, STUDIES[0]) for table in ("reports", "report_entities")}
    changed.add(rejections_path("report_entities", STUDIES[0]))
    assert {path for path in paths if warehouse.run_of(path) == second} == changed


def test_landing_and_warehouse_may_lie_in_s3(
    settings: Settings, instance: dg.DagsterInstance, s3_bucket: str, s3_endpoint: str
) -> None:
    places = {"landing": f"s3://{s3_bucket}/landing", "warehouse": f"s3://{s3_bucket}/warehouse"}
    in_s3 = settings.model_copy(update={**places, "s3_endpoint": s3_endpoint, "s3_region": "us-east-1"})
    landing = open_store(in_s3.landing, in_s3.s3)
    land_study(landing, STUDIES[0], images=2)
    landing.write("elsewhere/IM1", image_bytes(STUDIES[1]))
    assert run(in_s3, instance).success
    assert all(check.passed for check in take_ledger(in_s3, instance).get_asset_check_evaluations())
    totals = read_totals(Warehouse(open_store(in_s3.warehouse, in_s3.s3)))
    assert totals
    assert (totals.landed, totals.of("indexed").objects, totals.of("indexed").images) == (4, 4, 3)
    assert open_embedded(settings.index).health().images == 3


def test_no_patient_data_but_keys_reaches_events_or_metadata(settings: Settings, instance: dg.DagsterInstance) -> None:
    landing = open_store(settings.landing)
    secret = "Jane Doe was seen with a large pleural effusion"
    land_study(landing, STUDIES[0], report=f"FINDINGS: {secret}.")
    landing.write("elsewhere/IM1", landing.read(next(o.key for o in landing.list() if o.key.endswith(".dcm"))))
    result = run(settings, instance)
    records = instance.all_logs(result.run_id)
    assert records
    assert not [r for r in records if "Jane Doe" in str(r) or "effusion" in str(r) or "'10000001'" in str(r)]


def test_weights_that_cannot_be_had_stop_the_run_and_nothing_falls_back(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    land_study(open_store(settings.landing), STUDIES[0])
    with pytest.raises(ConfigurationError, match="names no file"):
        run(settings.model_copy(update={"weights": "/no/such/weights"}), instance)
    assert not list(open_store(settings.warehouse).list("embeddings"))


def test_an_index_is_not_built_over_a_study_that_is_not_embedded_yet(settings: Settings, instance: dg.DagsterInstance) -> None:
    land_study(open_store(settings.landing), STUDIES[0])
    defs = build_definitions(settings)
    defs.resolve_job_def("inventory_job").execute_in_process(instance=instance)
    index = next(a for a in defs.assets or [] if isinstance(a, dg.AssetsDefinition) and a.keys == {dg.AssetKey("search_index")})
    with pytest.raises(Exception, match=r"dicom_metadata.*embeddings.*reports"):
        dg.materialize([index], instance=instance, partition_key=STUDIES[0].partition, resources=defs.resources)


def test_a_landing_folder_that_is_gone_or_suddenly_empty_stops_the_inventory_and_erases_nothing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    landing = Path(settings.landing)
    land_study(open_store(settings.landing), STUDIES[0])
    run(settings, instance)
    landing.rename(landing.with_name("unmounted"))
    with pytest.raises(ConfigurationError, match="MEDSEARCH_LANDING"):
        run(settings, instance)
    landing.mkdir()
    with pytest.raises(RemovalUnconfirmed, match="2 of 2 known objects"):
        run(settings, instance)
    warehouse = Warehouse(open_store(settings.warehouse))
    assert warehouse.row_count(study_path("dicom_metadata", STUDIES[0])) == 1
    assert open_embedded(settings.index).health().images == 1
    assert warehouse.row_count(PATH) == 2
    job = build_definitions(settings).resolve_job_def("inventory_job")
    confirmed = {"ops": {"inventory": {"config": {"confirm_removal": True}}}}
    assert job.execute_in_process(instance=instance, run_config=confirmed).success
    assert warehouse.row_count(PATH) == 0


def test_studies_of_one_id_under_two_patients_are_named_by_a_check_and_keep_their_own_images(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    landing, twins = open_store(settings.landing), [StudyKey(f"p1000000{n}", "s50000001") for n in (1, 2)]
    for study in twins:
        land_study(landing, study)
    (check,) = (c for c in run_inventory(settings, instance) if c.check_name == "study_ids_are_unique")
    assert (check.passed, check.severity.value) == (False, "WARN")
    assert check.metadata["shared"].value == [study.partition for study in twins]
    assert run(settings, instance).success
    index = open_embedded(settings.index)
    names = [study.partition.replace("/", "_") for study in twins]
    assert [r.patient for r in index.reports(names) if r] == [study.patient for study in twins]
    assert [[i.patient for i in images] for images in index.images_of_reports(names)] == [[s.patient] for s in twins]
    assert index.reports([twins[0].study]) == [None]


def run_inventory(settings: Settings, instance: dg.DagsterInstance) -> Sequence[dg.AssetCheckEvaluation]:
    job = build_definitions(settings).resolve_job_def("inventory_job")
    return job.execute_in_process(instance=instance).get_asset_check_evaluations()


@pytest.mark.parametrize(("sensors", "status"), [("running", "RUNNING"), ("stopped", "STOPPED")])
def test_sensors_and_schedules_begin_as_the_setting_says(settings: Settings, sensors: str, status: str) -> None:
    defs = build_definitions(settings.model_copy(update={"sensors": sensors}))
    repository = defs.get_repository_def()
    assert {s.name: s.cron_schedule for s in repository.schedule_defs} == {
        "inventory_schedule": "0 * * * *",
        "ledger_schedule": "30 3 * * *",
    }
    assert "landing_sensor" in {s.name for s in repository.sensor_defs}
    assert {sensor.default_status.value for sensor in repository.sensor_defs} == {status}
    assert {schedule.default_status.value for schedule in repository.schedule_defs} == {status}


def test_the_indexs_password_is_nowhere_in_dagster(settings: Settings, tmp_path: Path) -> None:
    instance = local_instance(tmp_path / "dagster")
    land_study(open_store(settings.landing), STUDIES[0])
    secret = "correct-horse-battery-staple"
    protected = settings.model_copy(update={"index_user": "writer", "index_password": SecretStr(secret)})
    result = run(protected, instance)
    assert result.success
    assert [r for r in instance.get_runs() if r.run_id == result.run_id]
    assert not [r for r in instance.get_runs() if secret in f"{r.run_config}{r.tags}"]
    assert not [record for record in instance.all_logs(result.run_id) if secret in str(record)]
    files = [file for file in (tmp_path / "dagster").rglob("*") if file.is_file()]
    assert any(STUDIES[0].partition.encode() in file.read_bytes() for file in files), "the events are in none of these files"
    assert not [file.name for file in files if secret.encode() in file.read_bytes()]
    shown = RepositorySnap.from_def(build_definitions(protected).get_repository_def())
    assert secret not in dg.serialize_value(shown)
    assert secret not in repr(build_resources(protected))


def test_documents_the_index_refuses_fail_the_run_by_id_after_all_others_were_written(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = open_store(settings.landing)
    for study in STUDIES:
        land_study(landing, study)
    refused = f"{STUDIES[1]}/report/{STUDIES[1].study}"
    real = EmbeddedIndex.upsert

    def refusing(index: EmbeddedIndex, studies: Sequence[StudyDocuments]) -> int:
        real(index, [s for s in studies if s.study != STUDIES[1]])
        raise DocumentsRefused({refused: "mapper_parsing_exception"})

    monkeypatch.setattr(EmbeddedIndex, "upsert", refusing)
    with pytest.raises(DocumentsRefused) as failed:
        run(settings, instance)
    assert str(failed.value) == f"the search index refused 1 documents: {refused} (mapper_parsing_exception)"
    assert set(open_embedded(settings.index).studies()) == {STUDIES[0], STUDIES[2]}


def test_another_models_vectors_fail_the_run_with_what_to_do(settings: Settings, instance: dg.DagsterInstance) -> None:
    land_study(open_store(settings.landing), STUDIES[0])
    run(settings, instance)
    with pytest.raises(IndexMismatch, match="medsearch reindex"):
        run(settings.model_copy(update={"weights": "random"}), instance)
    assert open_embedded(settings.index).health().model_id == "efficientnet_lite0-imagenet"
    assert reindex(Warehouse(open_store(settings.warehouse)), open_embedded(settings.index), Silent()).loaded_studies == 1
    assert open_embedded(settings.index).health().model_id == "efficientnet_lite0-random"


class Silent:
    """Watches a load and says nothing."""

    def step(self, what: str) -> None:
        pass

    def begin(self, studies: int) -> None:
        pass

    def advance(self, studies: int, images: int) -> None:
        pass
