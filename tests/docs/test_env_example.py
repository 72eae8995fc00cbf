"""`.env.example` names settings that exist, with their defaults."""

from __future__ import annotations

import re

from dotenv import dotenv_values

from medsearch_api.settings import Settings as ServiceSettings
from medsearch_core.process.environment import setting_names
from medsearch_pipeline.settings import Settings
from tests.support.paths import PROJECT_ROOT

EXAMPLE = PROJECT_ROOT / ".env.example"
NOT_SETTINGS = {"DAGSTER_HOME"}


def lines() -> list[str]:
    return [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("# ---")]


def values() -> dict[str, str]:
    matches = [re.fullmatch(r"#([A-Z0-9_]+)=(.*)", line) for line in lines() if not line.startswith("# ")]
    assert all(matches)
    return {match[1]: match[2] for match in matches if match}


def test_nothing_is_set_until_someone_says_so() -> None:
    assert dotenv_values(EXAMPLE) == {}


def test_every_variable_is_a_setting() -> None:
    assert len(values()) > 20
    assert values().keys() - NOT_SETTINGS <= setting_names()


def test_every_variable_has_its_default_where_there_is_one() -> None:
    defaults = {
        f"MEDSEARCH_{name.upper()}": str(field.default)
        for settings in (Settings, ServiceSettings)
        for name, field in settings.model_fields.items()
        if field.default not in (None, "")
    }
    named = {name: value for name, value in values().items() if name in defaults}
    assert named == {name: defaults[name] for name in named}


def test_every_variable_has_a_sentence_above_it_and_no_secret() -> None:
    for above, line in zip(lines(), lines()[1:], strict=False):
        if not line.startswith("# "):
            assert re.fullmatch(r"# .+\.", above), line
    for name in ("MEDSEARCH_INDEX_PASSWORD", "MEDSEARCH_PSEUDONYM_KEY", "MEDSEARCH_API_OIDC_CLIENT_SECRET"):
        assert values()[name] == ""
