"""Dagster's `dg` works in a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.settings import Settings
from tests.support.paths import PROJECT_ROOT

DG = Path(sys.executable).with_name("dg")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Without a user's own Dagster, and with the virtual environment that runs the tests."""
    return os.environ | {
        "DAGSTER_HOME": str(tmp_path),
        "VIRTUAL_ENV": sys.prefix,
        "COLUMNS": "200",
    }


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(DG), *arguments], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)


def test_its_definitions_load(environment: dict[str, str]) -> None:
    checked = run(environment, "check", "defs")
    assert checked.returncode == 0, checked.stderr


def test_a_wrong_setting_fails_the_check_and_is_named(environment: dict[str, str]) -> None:
    checked = run(environment | {"MEDSEARCH_LANDNIG": "/data"}, "check", "defs")
    assert checked.returncode != 0
    assert "MEDSEARCH_LANDNIG is not a setting: did you mean MEDSEARCH_LANDING?" in checked.stdout + checked.stderr


def test_it_lists_the_assets_of_the_code_location(environment: dict[str, str]) -> None:
    listed = run(environment, "list", "defs", "--json")
    assert listed.returncode == 0, listed.stderr
    assets = {asset["asset_key"] for asset in json.loads(listed.stdout)["assets"]}
    assert assets == {key.to_user_string() for key in build_definitions(Settings()).resolve_all_asset_keys()}


def test_it_loads_what_the_workspace_loads() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    (location,) = yaml.safe_load((PROJECT_ROOT / "workspace.yaml").read_text())["load_from"]
    assert project["code_location_target_module"] == location["python_module"]["module_name"]
    assert project["code_location_name"] == location["python_module"]["location_name"]
