"""A study's reports through either reader, into the warehouse."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from botocore.stub import ANY, Stubber

from medsearch_core.errors import BadInput, ServiceUnavailable
from medsearch_core.keys import StudyKey
from medsearch_core.records import EntityRecord, LandedObject, Rejection, ReportRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path
from medsearch_pipeline.assets.report_entities import build_report_entities
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.report_readers import reader as protocol
from medsearch_pipeline.report_readers.reader import RulesReader
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.studies.reports import STAGE, StudyReportBuilder
from tests.support.ingest import local_instance, settings_in
from tests.support.landing import folder_of, image_bytes, land_study

STUDY = StudyKey("p10000001", "s50000001")


class Choosy:
    """A reader that refuses one word and breaks at another."""

    version = "choosy"

    def __init__(self) -> None:
        self.usage: Counter[str] = Counter()

    def find(self, report_id: str, text: str, sections: list[Any], examination: Any) -> list[EntityRecord]:
        if "refused" in text:
            raise BadInput("refused_by_reader", "it will not be read")
        if "away" in text:
            raise ServiceUnavailable("run again later")
        return RulesReader().find(report_id, text, sections, examination)


def landed(key: str) -> LandedObject:
    return LandedObject(key=key, bytes=1, etag=key, kind="report", patient=STUDY.patient, study=STUDY.study, report_names=[])


@pytest.fixture
def reader(tmp_path: Path) -> StudyReportBuilder:
    landing, warehouse = (open_store(str(tmp_path / name)) for name in ("landing", "warehouse"))
    for name, text in (("a", "Effusion."), ("b", "To be refused."), ("c", "Service away.")):
        landing.write(f"{name}.txt", text.encode())
    return StudyReportBuilder(landing, Warehouse(warehouse, "run-1"), Choosy())


def test_a_report_that_the_reader_refuses_is_a_rejection_beside_the_others(reader: StudyReportBuilder) -> None:
    objects = [landed("a.txt"), landed("b.txt")]
    reader.build(STUDY, objects)
    [report] = reader.warehouse.read_rows(ReportRecord, study_path("reports", STUDY))
    [rejection] = reader.warehouse.read_rows(Rejection, rejections_path(STAGE, STUDY))
    assert (report.key, report.ner_version, report.positive_diagnoses) == ("a.txt", "choosy", ["pleural effusion"])
    assert (rejection.key, rejection.reason) == ("b.txt", "refused_by_reader")
    assert reader.is_current(STUDY, objects)
    assert not StudyReportBuilder(reader.landing, reader.warehouse, RulesReader()).is_current(STUDY, objects)


def test_a_service_that_is_away_leaves_the_study_as_it_was(reader: StudyReportBuilder) -> None:
    reader.build(STUDY, [landed("a.txt")])
    with pytest.raises(ServiceUnavailable):
        reader.build(STUDY, [landed("a.txt"), landed("c.txt")])
    assert reader.is_current(STUDY, [landed("a.txt")])


def test_a_run_counts_what_it_used_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = open_store(str(tmp_path / "landing"))
    land_study(landing, STUDY, images=1)
    assert landing.read(f"{folder_of(STUDY)}.txt")
    chosen = {"report_reader": "comprehend", "comprehend_region": "us-east-1"}
    settings = settings_in(tmp_path / "landing", tmp_path).model_copy(update=chosen)
    client = boto3.client("comprehendmedical", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    monkeypatch.setattr(protocol, "open_client", lambda region: client)
    with Stubber(client) as stub, local_instance(tmp_path / "dagster") as instance:
        stub.add_response("detect_entities_v2", {"Entities": [], "UnmappedAttributes": [], "ModelVersion": "2"}, {"Text": ANY})
        stub.add_response("infer_icd10_cm", {"Entities": [], "ModelVersion": "3"}, {"Text": ANY})
        assert build_definitions(settings).resolve_job_def("inventory_job").execute_in_process(instance=instance).success
        result = dg.materialize(
            [build_report_entities(settings, dg.BackfillPolicy.multi_run(1), Retries.of(settings))],
            instance=instance,
            resources=build_resources(settings),
            partition_key=STUDY.partition,
        )
        stub.assert_no_pending_responses()
    [event] = result.asset_materializations_for_node("report_entities")
    used = {name: value.value for name, value in event.metadata.items() if name.startswith("run_comprehend")}
    assert used == {
        "run_comprehend_detect_entities_v2_requests": 1,
        "run_comprehend_detect_entities_v2_units": 2,
        "run_comprehend_infer_icd10_cm_requests": 1,
        "run_comprehend_infer_icd10_cm_units": 2,
    }


def test_what_was_examined_is_taken_from_a_dicom_header_where_the_report_does_not_say_it(reader: StudyReportBuilder) -> None:
    reader.landing.write("1.dcm", image_bytes(STUDY, 1))
    reader.landing.write("a.txt", b"FINDINGS: No effusion.")
    reader.landing.write("b.txt", b"EXAMINATION: CT of the chest.\nFINDINGS: No effusion.")
    reader.build(STUDY, [landed("a.txt"), landed("b.txt")], "1.dcm")
    reports = reader.warehouse.read_rows(ReportRecord, study_path("reports", STUDY))
    assert [report.exam_modality for report in reports] == ["DX", "CT"]


@pytest.mark.parametrize("dicom", [None, "a.txt", "deleted.dcm"])
def test_without_a_header_to_read_a_report_is_read_as_it_is(reader: StudyReportBuilder, dicom: str | None) -> None:
    reader.build(STUDY, [landed("a.txt")], dicom)
    [report] = reader.warehouse.read_rows(ReportRecord, study_path("reports", STUDY))
    assert (report.key, report.exam_modality) == ("a.txt", None)
