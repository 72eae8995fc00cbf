"""Settings from the environment and from `.env`: unknown names are rejected, secrets are not shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from medsearch_api.settings import Settings as ServiceSettings
from medsearch_core.errors import ConfigurationError
from medsearch_core.process.environment import (
    OTHER_NAMES,
    load_env_file,
    load_settings,
    setting_errors,
    setting_names,
    unknown_settings,
)
from medsearch_pipeline.settings import Settings
from tests.support.paths import PROJECT_ROOT

PLACES = ("docker", "Makefile", ".env.example")
"""Files that set the project's variables, other than the user's own."""


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.env` in the current folder; its variables are unset after the test."""
    monkeypatch.delenv("PYTHON_DOTENV_DISABLED", raising=False)
    monkeypatch.setenv("MEDSEARCH_BATCH_SIZE", "4")
    for name in ("MEDSEARCH_MODEL", "MEDSEARCH_WAREHOUSES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


@pytest.mark.parametrize("settings", [Settings, ServiceSettings])
def test_each_side_knows_the_settings_of_the_other(
    settings: type[Settings | ServiceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MEDSEARCH_API_SIGN_IN", "MEDSEARCH_SENSORS", "medsearch_landing"):
        monkeypatch.setenv(name, "")
    assert load_settings(settings) == settings()


@pytest.mark.parametrize("settings", [Settings, ServiceSettings])
def test_an_unknown_name_is_refused_with_the_nearest_known_one(
    settings: type[Settings | ServiceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDSEARCH_LANDNIG", "/secret")
    monkeypatch.setenv("MEDSEARCH_INDEX", "s3://x/y")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(settings)
    unknown, wrong = str(refused.value).splitlines()
    assert unknown == "MEDSEARCH_LANDNIG is not a setting: did you mean MEDSEARCH_LANDING?"
    assert wrong.startswith("MEDSEARCH_INDEX=s3://x/y: ")


def test_what_the_deployments_set_is_known() -> None:
    files = [path for place in PLACES for path in (PROJECT_ROOT / place, *(PROJECT_ROOT / place).rglob("*")) if path.is_file()]
    names = {name for path in files for name in re.findall(r"\bMEDSEARCH_[A-Z0-9_]*[A-Z0-9]\b", path.read_text())}
    assert len(names) > 20
    assert unknown_settings(names, setting_names() | OTHER_NAMES.keys()) == []
    assert not setting_names() & OTHER_NAMES.keys()


class Secrets(BaseModel):
    """Fields that may hold secrets."""

    token: SecretStr
    maybe: SecretStr | None = None
    address: int


def test_secrets_and_passwords_are_not_shown() -> None:
    with pytest.raises(ValidationError) as refused:
        Secrets.model_validate({"token": 12345, "maybe": 67890, "address": "https://user:pass@word@host/"})
    assert [line.partition(": ")[0] for line in setting_errors(refused.value, Secrets)] == [
        "MEDSEARCH_TOKEN",
        "MEDSEARCH_MAYBE",
        "MEDSEARCH_ADDRESS=https://***@host/",
    ]


def test_an_env_file_adds_to_the_environment_and_overrides_nothing(env_file: Path) -> None:
    load_env_file()
    env_file.write_text("MEDSEARCH_MODEL=efficientnet_lite0\nMEDSEARCH_BATCH_SIZE=8\n")
    load_env_file()
    settings = load_settings(Settings)
    assert (settings.model, settings.batch_size) == ("efficientnet_lite0", 4)


def test_an_unknown_name_in_an_env_file_is_refused(env_file: Path) -> None:
    env_file.write_text("MEDSEARCH_WAREHOUSES=/data\n")
    load_env_file()
    with pytest.raises(ConfigurationError, match=r"^MEDSEARCH_WAREHOUSES .*MEDSEARCH_WAREHOUSE\?"):
        load_settings(Settings)


def test_an_env_file_that_was_asked_for_must_exist(env_file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"settings\.env"):
        load_env_file(env_file.with_name("settings.env"))
