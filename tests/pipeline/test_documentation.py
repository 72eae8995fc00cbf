"""Documentation made from code is the code's."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_pipeline.documentation import DOCS, PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    assert (DOCS / page).read_text() == PAGES[page](), "run: python -m medsearch_pipeline.documentation"


def test_every_command_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for command in ("make demo", "make test", "medsearch rejections", "medsearch-api"):
        assert f"`{command}`" in readme
