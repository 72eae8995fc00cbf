"""What `up` set is found by the commands that look at what it started, and by nobody else."""

from __future__ import annotations

import stat
from collections.abc import MutableMapping
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, SecretStr

from medsearch_api.settings import Settings as ServiceSettings
from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.home_settings import (
    DEFAULT_HOME,
    FILE,
    SECRETS,
    require_deployment,
    use_home_settings,
    write_home_settings,
)

ODD = r"it's C:\data #1 ${HOME}"
SET = {"MEDSEARCH_LANDING": ODD, "MEDSEARCH_WAREHOUSE": "/data/warehouse", "DAGSTER_HOME": "/data/dagster"}


def test_a_named_home_overrides_the_environment(tmp_path: Path) -> None:
    write_home_settings(tmp_path, SET, {})
    environment: MutableMapping[str, str] = {"MEDSEARCH_LANDING": "/elsewhere", "PATH": "/bin"}
    use_home_settings(tmp_path, environment)
    assert environment == SET | {"PATH": "/bin"}


def test_all_settings_but_the_user_s_secrets_are_kept_and_only_its_user_reads_them(tmp_path: Path) -> None:
    given = {"MEDSEARCH_MODEL": "efficientnet_lite0", "MEDSEARCH_INDEX_PASSWORD": "of the user", "DAGSTER_PG_PASSWORD": "x"}
    generated = {"MEDSEARCH_EMBEDDER_TOKEN": "of up"}
    write_home_settings(tmp_path, SET | given | generated | {"PATH": "/bin"}, given)
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    names = {line.partition("=")[0] for line in file.read_text().splitlines()}
    assert names == {*SET, "MEDSEARCH_MODEL", "MEDSEARCH_EMBEDDER_TOKEN"}


@pytest.mark.parametrize("settings", [Settings, ServiceSettings])
def test_secrets_are_known_by_the_end_of_their_names(settings: type[BaseModel]) -> None:
    secret = {
        name for name, field in settings.model_fields.items() if SecretStr in (field.annotation, *get_args(field.annotation))
    }
    assert secret == {name for name in settings.model_fields if name.upper().endswith(SECRETS)}


def test_places_that_nobody_named_and_that_do_not_exist_are_no_deployment(tmp_path: Path) -> None:
    nowhere = Settings(warehouse=str(tmp_path / "warehouse"))
    with pytest.raises(ConfigurationError, match="--home"):
        require_deployment(nowhere, {"MEDSEARCH_LANDING": "/data"})
    require_deployment(nowhere, {"MEDSEARCH_WAREHOUSE": nowhere.warehouse})
    require_deployment(Settings(warehouse=str(tmp_path)), {})


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
