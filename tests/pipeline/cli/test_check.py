"""`medsearch check` as it is called: its exit status, its lines and its JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsearch_core.storage.open import open_store
from medsearch_pipeline.cli import main


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with everything but a Dagster home."""
    values = {
        "MEDSEARCH_LANDING": str(tmp_path / "landing"),
        "MEDSEARCH_WAREHOUSE": str(tmp_path / "warehouse"),
        "MEDSEARCH_INDEX": str(tmp_path / "index"),
        "MEDSEARCH_MODEL": "efficientnet_lite0",
        "MEDSEARCH_API_SIGN_IN": "development",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_HOME", "")
    open_store(values["MEDSEARCH_LANDING"]).write("a.dcm", b"x")
    return tmp_path


def test_a_problem_is_printed_with_its_setting_and_what_to_do_and_ends_with_1(
    deployment: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "not/absolute")
    assert main(["check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    (number,) = (n for n, line in enumerate(lines) if line.startswith("PROBLEM"))
    assert "DAGSTER_HOME" in lines[number]
    assert "→" in lines[number + 1]

    home = deployment / "dagster"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    assert main(["check"]) == 0
    assert "PROBLEM" not in capsys.readouterr().out


def test_json_has_every_finding(deployment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert {"check", "level", "message", "setting", "value", "advice"} == set(findings[0])
    assert {finding["level"] for finding in findings if finding["check"] == "dagster home"} == {"warning"}
    (landing,) = (finding for finding in findings if finding["setting"] == "MEDSEARCH_LANDING")
    assert (landing["level"], landing["value"]) == ("ok", str(deployment / "landing"))


def test_another_landing_store_is_checked_before_up_is_started_with_it(
    deployment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = str(deployment / "elsewhere")
    assert main(["check", "--json", "--landing", elsewhere]) == 1
    problems = [finding for finding in json.loads(capsys.readouterr().out) if finding["level"] == "problem"]
    assert [(finding["setting"], finding["value"]) for finding in problems] == [("MEDSEARCH_LANDING", elsewhere)]
