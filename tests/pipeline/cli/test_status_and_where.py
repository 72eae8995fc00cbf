"""`medsearch status`, `where`, `ledger`, `rejections` and `stale` over a deployment with pending and failed studies."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.cli import main
from medsearch_pipeline.cli.where import state_of
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake import journal
from medsearch_pipeline.intake.inventory import current_inventory
from medsearch_pipeline.settings import Settings
from tests.support.factories import dataset, dicom_bytes
from tests.support.ingest import ingest, local_instance, settings_in, take_ledger
from tests.support.landing import folder_of, land_study, noticed, sop_instance_uid
from tests.support.paths import PROJECT_ROOT

DONE, FAILED, LATE = (StudyKey("p10000001", f"s5000000{n}") for n in (1, 2, 3))
EXPORTED = "a-long-name-of-an-export-of-a-picture-archive/2024-11-29/ACC1000/series-0001/IM000001"
BAD = "a-long-name-of-an-export-of-a-picture-archive/2024-11-29/ACC1000/series-0001/IM000002"
UID, ACCESSION, NAME = "1.2.826.0.1.9", "ACC-77-1000", "Doe^Jane"


@dataclass
class Deployment:
    settings: Settings
    home: Path
    failed_run: str


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Two studies ingested, one by header; one whose run failed for want of its weights; one nobody has ingested."""
    folder = tmp_path_factory.mktemp("deployment")
    settings, home = settings_in(folder / "landing", folder), folder / "dagster"
    instance = local_instance(home)
    landing = open_store(settings.landing)
    land_study(landing, DONE)
    exported = dataset(StudyInstanceUID=UID, SOPInstanceUID=f"{UID}.1", AccessionNumber=ACCESSION, PatientName=NAME)
    landing.write(EXPORTED, dicom_bytes(exported))
    landing.write(BAD, dicom_bytes(exported)[:400])
    assert ingest(settings, instance).success
    land_study(landing, FAILED)
    without_weights = settings.model_copy(update={"model": "densenet121", "weights": str(folder / "gone.pth")})
    defs = build_definitions(without_weights)
    assert defs.resolve_job_def("inventory_job").execute_in_process(instance=instance).success
    failed = defs.resolve_job_def("ingest_job").execute_in_process(
        instance=instance, partition_key=FAILED.partition, raise_on_error=False
    )
    assert not failed.success
    land_study(landing, LATE)
    assert build_definitions(settings).resolve_job_def("inventory_job").execute_in_process(instance=instance).success
    assert take_ledger(settings, instance).success
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", home / "dagster.yaml")
    return Deployment(settings, home, failed.run_id)


@pytest.fixture
def call(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs a command in the deployment's environment: its exit status and what it printed."""
    for name, value in environment(deployment).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        status = main(arguments)
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def environment(deployment: Deployment) -> dict[str, str]:
    names = ("landing", "warehouse", "index", "model", "weights")
    named = {f"MEDSEARCH_{name.upper()}": str(getattr(deployment.settings, name)) for name in names}
    return {**named, "DAGSTER_HOME": str(deployment.home)}


def exported_study(deployment: Deployment) -> StudyKey:
    rows = current_inventory(Warehouse(open_store(deployment.settings.warehouse))).to_pylist()
    (row,) = (row for row in rows if row["key"] == EXPORTED)
    return StudyKey(row["patient"], row["study"])


def test_status_counts_objects_and_says_why_what_is_pending(
    deployment: Deployment, call: Callable[..., tuple[int, str]]
) -> None:
    status, printed = call("status", "--json")
    assert status == 0
    found = json.loads(printed)
    counts = {state: count for state, count in found["objects"].items() if count}
    assert counts == {"indexed": 3, "pending": 4, "rejected": 1}
    assert (found["studies"], found["indexed_studies"], found["images"], found["reports"]) == (4, 2, 2, 1)
    pending = {each["reason"]: (each["objects"], each["studies"]) for each in found["pending"]}
    assert pending == {f"failed in run {deployment.failed_run}": (2, 1), "unknown": (2, 1)}
    unindexed = {each["study"]: each["reasons"] for each in found["unindexed"]}
    assert unindexed == {
        str(FAILED): {f"pending: failed in run {deployment.failed_run}": 2},
        str(LATE): {"pending: unknown": 2},
    }
    assert found["is_model_available"]
    assert found["last_inventory"] < found["last_ledger"]
    (failed,) = found["failed_runs"]
    assert (failed["id"], failed["job"]) == (deployment.failed_run, "ingest_job")
    assert "MEDSEARCH_WEIGHTS" in failed["sentence"]
    assert {each["name"] for each in found["automation"]} == {
        "landing_sensor",
        "ingest_sensor",
        "upkeep_sensor",
        "inventory_schedule",
        "ledger_schedule",
    }
    assert [each["is_current"] for each in found["releases"]] == [True]
    status, printed = call("status")
    assert status == 0
    assert deployment.failed_run in printed
    assert [str(study) in printed for study in (DONE, FAILED, LATE)] == [False, True, True]


def test_status_says_that_a_study_settles_and_needs_no_dagster(
    deployment: Deployment, call: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(open_store(deployment.settings.warehouse))
    name = journal.append(warehouse, [noticed(LATE)], datetime.now(UTC))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("MEDSEARCH_SETTLE_SECONDS", "86400")
    monkeypatch.setenv("MEDSEARCH_MAX_WAIT_SECONDS", "86400")
    try:
        found = json.loads(call("status", "--json")[1])
    finally:
        journal.remove(warehouse, [name])
    assert "settling" in {each["reason"] for each in found["pending"]}
    assert (found["has_dagster"], found["automation"], found["last_ledger"]) == (False, [], None)


def test_status_answers_before_anything_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LANDING", "WAREHOUSE", "INDEX"):
        monkeypatch.setenv(f"MEDSEARCH_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("MEDSEARCH_WEIGHTS", "/gone.pth")
    monkeypatch.setenv("DAGSTER_HOME", "")
    assert main(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["objects"], found["studies"], found["releases"]) == ({}, 0, [])
    assert found["is_model_available"] is False


def test_status_without_a_deployment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MEDSEARCH_WAREHOUSE", "MEDSEARCH_INDEX", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert main(["status"]) == 1
    assert "--home" in capsys.readouterr().err


def test_an_excluded_object_of_no_study_is_not_called_rejected() -> None:
    assert state_of("system_file", "rejected") == "excluded"
    assert state_of("not_dicom", "rejected") == "rejected"


def test_where_finds_a_study_by_each_of_its_names(deployment: Deployment, call: Callable[..., tuple[int, str]]) -> None:
    study = exported_study(deployment)
    for name in (
        EXPORTED,
        EXPORTED.rpartition("/")[0],
        UID,
        f"{UID}.1",
        ACCESSION,
        study.partition,
        study.study,
        study.patient,
    ):
        status, printed = call("where", name)
        assert status == 0, name
        assert f"Partition  {study.partition} " in printed, name
        assert EXPORTED in printed
        assert "indexed" in printed
        assert "Jane" not in printed
    run_ids = {run.run_id for run in local_instance(deployment.home).get_runs() if run.job_name == "ingest_job"}
    assert run_ids - {deployment.failed_run} == {run for run in run_ids if run in printed}


def test_where_finds_a_uid_that_only_the_tables_hold(call: Callable[..., tuple[int, str]]) -> None:
    for name, kind in ((f"2.25.{int(DONE.study[1:])}", "StudyInstanceUID"), (sop_instance_uid(DONE), "file name")):
        status, printed = call("where", name)
        assert status == 0
        assert f"Partition  {DONE.partition}  (found by {kind})" in printed


def test_where_names_the_failed_run_and_objects_of_no_study(
    deployment: Deployment, call: Callable[..., tuple[int, str]]
) -> None:
    status, printed = call("where", f"{folder_of(FAILED)}.txt")
    assert status == 0
    assert f"failed in run {deployment.failed_run}" in printed
    assert "FAILURE" in printed
    status, printed = call("where", BAD)
    assert status == 0
    assert f"{BAD}: rejected, of no study" in printed
    status, printed = call("where", "nothing-of-that-name")
    assert status == 1
    assert "nothing-of-that-name" in printed


def test_the_ledger_says_why_objects_are_pending(deployment: Deployment, call: Callable[..., tuple[int, str]]) -> None:
    status, printed = call("ledger", "--state", "pending", "--csv")
    assert status == 0
    rows = list(csv.DictReader(io.StringIO(printed)))
    reasons = {(row["patient"], row["study"]): row["reason"] for row in rows}
    assert reasons == {
        (FAILED.patient, FAILED.study): f"failed in run {deployment.failed_run}",
        (LATE.patient, LATE.study): "unknown",
    }
    assert all("MEDSEARCH_WEIGHTS" in row["detail"] for row in rows if row["study"] == FAILED.study)
    assert deployment.failed_run in call("ledger")[1]


def test_stale_says_what_was_never_made_and_which_run_failed(
    deployment: Deployment, call: Callable[..., tuple[int, str]]
) -> None:
    status, printed = call("stale", "--studies")
    assert status == 1
    lines = {line.partition(":")[0]: line for line in printed.splitlines()}
    assert f"run {deployment.failed_run} failed" in lines[FAILED.partition]
    assert "failed" not in lines[LATE.partition]
    assert f"1 of them are in the failed run {deployment.failed_run}" in call("stale")[1]


@pytest.mark.parametrize("arguments", [["rejections"], ["ledger", "--state", "rejected"], ["where", EXPORTED]])
def test_nothing_is_cut_where_the_output_is_no_terminal(deployment: Deployment, arguments: list[str]) -> None:
    command = [sys.executable, "-c", "import sys; from medsearch_pipeline.cli import main; sys.exit(main(sys.argv[1:]))"]
    printed = subprocess.run(
        [*command, *arguments],
        env=os.environ | environment(deployment) | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (EXPORTED if arguments[0] == "where" else BAD) in printed
    assert "…" not in printed


def test_rejections_as_csv_are_nothing_but_rows(call: Callable[..., tuple[int, str]]) -> None:
    status, printed = call("rejections", "--csv")
    assert status == 0
    (row,) = csv.DictReader(io.StringIO(printed))
    assert set(row) == {"key", "frame", "state", "reason", "detail"}
    assert (row["key"], row["state"]) == (BAD, "rejected")
    assert row["reason"]
