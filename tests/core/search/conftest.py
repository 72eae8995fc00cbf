"""Indexes for the shared tests, and the processes beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_core.search.releases import ReleasedIndex
from tests.core.search.index_places import PLACES, open_at


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of an index that nothing has been written to."""
    return PLACES[request.param](tmp_path / "index")


@pytest.fixture
def index(place: str) -> ReleasedIndex:
    """An index that nothing has been written to."""
    return open_at(place)
