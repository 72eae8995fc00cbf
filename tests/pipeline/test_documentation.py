"""Documentation made from code is the code's."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_core.settings import Deployment
from docs.generate import DOCS, PAGES, settings_table
from medsearch_pipeline.settings.pipeline import Settings


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    assert (DOCS / page).read_text() == PAGES[page](), "run: python -m medsearch_pipeline.documentation"


def test_every_command_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for command in ("make demo", "make test", "medsearch ledger", "medsearch rejections", "medsearch reindex", "medsearch-api"):
        assert f"`{command}`" in readme


def test_every_setting_stands_in_one_place_with_its_meaning() -> None:
    page = settings_table()
    shared, pipeline = page.index("## Of both"), page.index("## Of the pipeline")
    for name, field in Settings.model_fields.items():
        row = f"| `MEDSEARCH_{name.upper()}` |"
        assert field.description
        assert page.count(row) == 1
        assert (shared < page.index(row) < pipeline) == (name in Deployment.model_fields)
    assert page.index("`MEDSEARCH_API_PORT`") > page.index("## Of the service") > pipeline
