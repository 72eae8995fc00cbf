"""`.env.example` lists settings that exist."""

from __future__ import annotations

import re

from medsearch_api.settings import Settings as ServiceSettings
from medsearch_pipeline.settings import Settings
from tests.support.paths import PROJECT_ROOT

LINES = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
NAMES = {f"MEDSEARCH_{name.upper()}" for model in (Settings, ServiceSettings) for name in model.model_fields}


def test_every_variable_is_a_setting_and_none_is_set() -> None:
    variables = [re.fullmatch(r"#(\w+)=\S+", line) for line in LINES if line and not line.startswith("# ")]
    assert len(variables) > 5
    assert all(variables)
    assert {match[1] for match in variables if match} <= NAMES
