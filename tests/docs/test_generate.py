"""Generated documentation is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.generate import PAGES, settings_table
from medsearch_core.settings import Deployment
from medsearch_pipeline.settings import Settings
from tests.support.paths import PROJECT_ROOT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_generated_file_is_up_to_date(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == PAGES[page](), "run: make docs"


def test_every_command_is_in_the_readme() -> None:
    readme = (PROJECT_ROOT / "README.md").read_text()
    for command in ("make demo", "make test", "medsearch ledger", "medsearch rejections", "medsearch reindex", "medsearch-api"):
        assert f"`{command}`" in readme


def test_every_setting_stands_in_one_place_with_its_meaning() -> None:
    page = settings_table()
    shared, pipeline = page.index("## Shared"), page.index("## Pipeline")
    for name, field in Settings.model_fields.items():
        row = f"| `MEDSEARCH_{name.upper()}` |"
        assert field.description
        assert page.count(row) == 1
        assert (shared < page.index(row) < pipeline) == (name in Deployment.model_fields)
    assert page.index("`MEDSEARCH_API_PORT`") > page.index("## Service") > pipeline
