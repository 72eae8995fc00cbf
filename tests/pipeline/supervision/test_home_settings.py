"""What `up` set is found by the commands that look at what it started, and by nobody else."""

from __future__ import annotations

import stat
from collections.abc import MutableMapping
from pathlib import Path

import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.supervision.home_settings import DEFAULT_HOME, FILE, use_home_settings, write_home_settings

ODD = r"it's C:\data #1 ${HOME}"
SET = {"MEDSEARCH_LANDING": ODD, "MEDSEARCH_WAREHOUSE": "/data/warehouse", "DAGSTER_HOME": "/data/dagster"}


def test_a_named_home_overrides_the_environment(tmp_path: Path) -> None:
    write_home_settings(tmp_path, SET, {})
    environment: MutableMapping[str, str] = {"MEDSEARCH_LANDING": "/elsewhere", "PATH": "/bin"}
    use_home_settings(tmp_path, environment)
    assert environment == SET | {"PATH": "/bin"}


def test_only_what_up_set_is_kept_and_only_its_user_reads_it(tmp_path: Path) -> None:
    secret = {"MEDSEARCH_INDEX_PASSWORD": "of the user"}
    write_home_settings(tmp_path, SET | secret | {"PATH": "/bin"}, secret)
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {line.partition("=")[0] for line in file.read_text().splitlines()} == SET.keys()


@pytest.mark.parametrize(
    ("environment", "is_completed"),
    [
        ({}, True),
        ({"MEDSEARCH_WAREHOUSE": "/data/warehouse"}, True),
        ({"MEDSEARCH_LANDING": "/elsewhere"}, True),
        ({"MEDSEARCH_WAREHOUSE": "/elsewhere"}, False),
        ({"DAGSTER_HOME": "/elsewhere"}, False),
        ({"MEDSEARCH_INDEX": "https://search"}, False),
        ({"PYTHON_DOTENV_DISABLED": "1"}, False),
    ],
)
def test_the_default_home_completes_an_environment_that_names_no_other_deployment(
    environment: dict[str, str], is_completed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_home_settings(DEFAULT_HOME, SET, {})
    completed = dict(environment)
    use_home_settings(None, completed)
    assert completed == (SET | environment if is_completed else environment)


def test_a_folder_that_is_no_home_is_refused_and_no_default_home_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=FILE):
        use_home_settings(tmp_path, {})
    environment: dict[str, str] = {}
    use_home_settings(None, environment)
    assert environment == {}
