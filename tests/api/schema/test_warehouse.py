"""The service over a warehouse that is empty, half-built, ahead of the index, or broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from dagster import AssetKey

from medsearch_api.app import create_app
from medsearch_api.backends.tables import ASSETS
from medsearch_core.records import EmbeddingRecord, ImageRecord, ReportRecord
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.object_store import S3Options
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from tests.support.api_client import asking, code_of, local_client, settings_of
from tests.support.hospital import EFFUSION, HEART, HOSPITAL, PNEUMONIA, fill, report_record
from tests.support.ingest import local_instance
from tests.support.radiology import images_in

DETAIL = '{ image(id: "1.1") { id detail { rows } report { comparison entities { text } } } }'


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path)
    return tmp_path


def ask_over(folder):
    return asking(local_client(create_app(settings_of(folder))))


def test_before_the_first_run_everything_is_empty(tmp_path):
    answer = ask_over(tmp_path)(
        """{ index { images reports studies modelId } searchReports(query: "effusion") { totalCount edges { score } }
            facets(field: PRESENT_CODES) { value } image(id: "1.1") { id } study(patient: "p1", study: "s1") { study }
            similarImages(vector: [1, 0]) { totalCount nodes { id } } patient(patient: "p1") { patient }
            modelVersions { modelId } }"""
    )
    assert answer == {
        "data": {
            "index": {"images": 0, "reports": 0, "studies": 0, "modelId": None},
            "searchReports": {"totalCount": 0, "edges": []},
            "facets": [],
            "image": None,
            "study": None,
            "similarImages": {"totalCount": 0, "nodes": []},
            "patient": None,
            "modelVersions": [],
        }
    }


def test_a_study_whose_tables_are_not_there_is_served_from_the_index(folder):
    for table in ("dicom_metadata", "reports", "report_entities"):
        (folder / "warehouse" / study_path(table, EFFUSION.key)).unlink()
    ask = ask_over(folder)
    assert ask(DETAIL) == {"data": {"image": {"id": "1.1", "detail": None, "report": {"comparison": None, "entities": None}}}}
    assert ask('{ study(patient: "p1", study: "s1") { study } }') == {"data": {"study": None}}


def test_a_study_that_is_not_indexed_yet_shows_no_image(tmp_path):
    fill(tmp_path, [EFFUSION])
    fill(tmp_path / "later", [HEART])
    for file in (tmp_path / "later" / "warehouse").rglob("*.parquet"):
        target = tmp_path / "warehouse" / file.relative_to(tmp_path / "later" / "warehouse")
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    answer = ask_over(tmp_path)('{ study(patient: "p2", study: "s3") { study images { nodes { id } } reports { id } } }')
    assert answer == {"data": {"study": {"study": "s3", "images": {"nodes": []}, "reports": []}}}


MADE_BY = """{ image(id: "1.1") { provenance { materialisations { asset runId } }
    report { provenance { materialisations { asset runId } } } } }"""


def made_by(folder):
    image = ask_over(folder)(MADE_BY)["data"]["image"]
    of_image, of_report = image["provenance"]["materialisations"], image["report"]["provenance"]["materialisations"]
    return {m["asset"]: m["runId"] for m in (*of_image, *of_report)}


def test_provenance_names_the_run_that_wrote_each_table_as_far_as_files_tell(folder):
    store = open_store(str(folder / "warehouse"))
    assert made_by(folder) == {}
    tables = (("dicom_metadata", ImageRecord), ("embeddings", EmbeddingRecord), ("reports", ReportRecord))
    for run, (table, record) in enumerate(tables, start=1):
        warehouse, path = Warehouse(store, f"run-{run}"), study_path(table, EFFUSION.key)
        warehouse.write_rows(record, path, warehouse.read_rows(record, path), "1")
    assert made_by(folder) == {"dicom_metadata": "run-1", "embeddings": "run-2", "report_entities": "run-3"}
    store.delete(study_path("dicom_metadata", EFFUSION.key))
    assert made_by(folder) == {"embeddings": "run-2", "report_entities": "run-3"}
    store.write(study_path("embeddings", EFFUSION.key), b"PAR1 not really")
    answer = ask_over(folder)('{ image(id: "1.1") { id provenance { sha256 materialisations { asset } } } }')
    assert (code_of(answer), answer["errors"][0]["path"]) == ("UNAVAILABLE", ["image", "provenance", "materialisations"])


def test_the_runs_and_assets_of_provenance_are_those_that_dagster_knows(ingested):
    instance = local_instance(ingested / "dagster")
    image = images_in(ingested)["negative.dcm"][0].image_id
    answer = ask_over(ingested)(f'{{ image(id: "{image}") {{ provenance {{ materialisations {{ asset runId }} }} }} }}')
    made = {m["asset"]: m["runId"] for m in answer["data"]["image"]["provenance"]["materialisations"]}
    assert made.keys() == {"dicom_metadata", "embeddings"}
    for asset, run in made.items():
        event = instance.get_latest_materialization_event(AssetKey(asset))
        assert event is not None
        assert event.run_id == run
    assert set(ASSETS.values()) <= {key.to_user_string() for key in instance.get_asset_keys()}


def test_mentions_of_another_version_of_the_text_are_not_shown(folder):
    newer = replace(report_record(EFFUSION), sha256="0" * 64, comparison="New.")
    warehouse = Warehouse(open_store(str(folder / "warehouse")))
    warehouse.write_rows(ReportRecord, study_path("reports", EFFUSION.key), [newer], "2")
    answer = ask_over(folder)(DETAIL)
    assert answer["data"]["image"] == {"id": "1.1", "detail": {"rows": 2544}, "report": {"comparison": None, "entities": None}}


def test_a_broken_file_is_unavailable_and_the_rest_is_answered(folder):
    (folder / "warehouse" / study_path("dicom_metadata", EFFUSION.key)).write_bytes(b"PAR1 not really")
    answer = ask_over(folder)(DETAIL)
    assert code_of(answer) == "UNAVAILABLE"
    assert answer["errors"][0]["path"] == ["image", "detail"]
    assert answer["data"]["image"]["report"]["comparison"] == "None."


def test_what_the_pipeline_writes_is_seen_at_the_next_request(folder):
    ask = ask_over(folder)
    assert ask("{ searchReports { totalCount } }") == {"data": {"searchReports": {"totalCount": 3}}}
    fill(folder, [replace(PNEUMONIA, study="s9", images={"9.1": ("PA", [0.1, 0.2, 0.3, 0.4])})])
    assert ask('{ searchReports { totalCount } image(id: "9.1") { detail { rows } } }') == {
        "data": {"searchReports": {"totalCount": 4}, "image": {"detail": {"rows": 2544}}}
    }


def test_another_release_is_seen_at_the_next_request(folder):
    ask = ask_over(folder)
    index = open_embedded(str(folder / "index"))
    before = index.health().release
    assert before
    counted = "{ searchReports { totalCount } index { images } }"
    assert ask(counted)["data"] == {"searchReports": {"totalCount": 3}, "index": {"images": 5}}
    index.publish(index.begin(None))
    assert ask(counted)["data"] == {"searchReports": {"totalCount": 0}, "index": {"images": 0}}
    index.publish(before)
    assert ask(counted)["data"] == {"searchReports": {"totalCount": 3}, "index": {"images": 5}}


def test_a_warehouse_in_s3_is_read_like_a_folder(folder, s3_bucket, s3_endpoint):
    local = open_store(str(folder / "warehouse"))
    address = f"s3://{s3_bucket}/warehouse"
    remote = open_store(address, S3Options(endpoint=s3_endpoint, region="us-east-1"))
    for entry in local.list():
        remote.write(entry.key, local.read(entry.key))
    client = local_client(create_app(settings_of(folder, warehouse=address, s3_endpoint=s3_endpoint, s3_region="us-east-1")))
    assert asking(client)(DETAIL) == asking(local_client(create_app(settings_of(folder))))(DETAIL)
    assert client.get("/thumbnails/p1/s1/1.1.png").content == local.read("thumbnails/p1/s1/1.1.png")
    assert client.get("/thumbnails/p1/s1/9.9.png").status_code == 404


def test_a_report_of_another_patient_with_a_study_of_the_same_name_is_never_shown(tmp_path):
    twin = replace(HEART, patient="p9", study="s1", images={"9.1": ("PA", [0.0, 0.0, 1.0, 0.0])})
    fill(tmp_path, [*HOSPITAL, twin])
    answer = ask_over(tmp_path)(
        '{ image(id: "9.1") { report { patient } } report(id: "s1") { patient images { nodes { patient } } } }'
    )
    assert answer == {
        "data": {
            "image": {"report": None},
            "report": {"patient": "p1", "images": {"nodes": [{"patient": "p1"}, {"patient": "p1"}]}},
        }
    }
