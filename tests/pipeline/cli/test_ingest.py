"""`medsearch ingest` without a webserver: real runs in processes of their own, followed to their end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.search.open import open_index
from medsearch_core.storage.open import open_store
from medsearch_pipeline.cli import main
from medsearch_pipeline.settings import Settings
from tests.support.ingest import settings_in
from tests.support.landing import land_study
from tests.support.paths import PROJECT_ROOT
from tests.support.sentences import figures
from tests.support.serving import free_port

A, B = StudyKey("p10000001", "s50000001"), StudyKey("p10000002", "s50000002")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two landed studies, an environment that names the deployment, and no webserver."""
    settings, home = settings_in(tmp_path / "landing", tmp_path), tmp_path / "dagster"
    home.mkdir()
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", home / "dagster.yaml")
    for name in ("landing", "warehouse", "index", "model", "weights"):
        monkeypatch.setenv(f"MEDSEARCH_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("MEDSEARCH_DAGSTER_URL", f"http://127.0.0.1:{free_port()}")
    for study in (A, B):
        land_study(open_store(settings.landing), study)
    return settings


def test_everything_that_landed_is_ingested_then_one_study_again(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ingest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert set(open_index(settings).studies()) == {A, B}
    assert figures(lines[-1]) == [2, 1, 0], "studies, runs, failed runs"
    assert [line.split()[-1] for line in lines if line.endswith(" success")] == ["success"] * 2, "inventory and ingestion"

    open_index(settings).delete([A, B])
    assert main(["ingest", B.study]) == 0
    assert set(open_index(settings).studies()) == {B}
    assert figures(capsys.readouterr().out.splitlines()[-1]) == [1, 1, 0]


def test_a_run_that_fails_is_named_with_its_studies(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_INDEX", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MEDSEARCH_STEP_RETRIES", "0")
    assert main(["ingest"]) == 1
    printed = capsys.readouterr().out
    assert "failed: search_index: " in printed
    for study in (A, B):
        assert f"not ingested: {study}" in printed


def test_nothing_is_launched_without_the_model_a_home_or_a_known_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDSEARCH_WEIGHTS", "/gone.pth")
    assert main(["ingest"]) == 1
    assert "MEDSEARCH_WEIGHTS=/gone.pth" in capsys.readouterr().err
    monkeypatch.setenv("MEDSEARCH_WEIGHTS", "imagenet")
    monkeypatch.setenv("DAGSTER_HOME", "")
    assert main(["ingest"]) == 1
    assert "DAGSTER_HOME" in capsys.readouterr().err
    assert not list(open_store(settings.warehouse).list("dicom_metadata"))
