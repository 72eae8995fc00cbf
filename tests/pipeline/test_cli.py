"""The `medsearch` command: one line for what is wrong, a table for what was rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.storage.object_store import open_store
from medsearch_pipeline.cli import main
from tests.ingest import ingest, local_instance, settings_in
from tests.landing import folder_of, land_study

STUDY = StudyKey("p10000001", "s50000001")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MEDSEARCH_MODEL", "resnet", "MEDSEARCH_MODEL: Input should be 'densenet121' or 'efficientnet_lite0'"),
        ("MEDSEARCH_BATCH_SIZE", "x", "MEDSEARCH_BATCH_SIZE: Input should be a valid integer"),
        ("MEDSEARCH_LANDING", "ftp://x", "MEDSEARCH_LANDING: Value error, give a folder or s3://bucket/prefix"),
        ("MEDSEARCH_INDEX", "s3://b/i", "MEDSEARCH_INDEX: Value error, give a folder"),
        ("MEDSEARCH_LAYOUT", "abc", "the layout needs the groups"),
        ("MEDSEARCH_WAREHOUSE", "/no/such/warehouse", "there is no folder /no/such/warehouse"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", "/no/such/warehouse")
    monkeypatch.setenv(variable, value)
    assert main(["rejections"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("medsearch: ")
    assert said in lines[0]


def test_a_warehouse_without_an_inventory_is_not_reported_as_reconciled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", str(tmp_path))
    assert main(["rejections"]) == 1
    assert "there is no inventory in" in capsys.readouterr().err


def test_every_rejection_is_listed_and_the_totals_reconcile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    landing = open_store(str(tmp_path / "landing"))
    land_study(landing, STUDY, images=2)
    landing.write(f"{folder_of(STUDY)}/x.dcm", b"%PDF-1.7")
    settings = settings_in(tmp_path / "landing", tmp_path)
    ingest(settings, local_instance(tmp_path / "dagster"))
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", settings.warehouse)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["rejections"]) == 0
    printed = capsys.readouterr().out
    assert f"{folder_of(STUDY)}/x.dcm" in printed
    assert "not_dicom" in printed
    told = "4 objects = 2 DICOM objects used (2 images) + 1 reports used + 1 rejected + 0 unaccounted for"
    assert told in " ".join(printed.split())
