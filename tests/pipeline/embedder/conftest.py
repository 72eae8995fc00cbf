"""The embedder with the weights that are installed, over real HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from medsearch_pipeline.embedder.service import create_app
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.settings import Settings
from tests.support.serving import serving


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings come from the test alone."""
    for name in [n for n in os.environ if n.startswith("MEDSEARCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return load_embedder("efficientnet_lite0", "imagenet", batch_size=1)


@pytest.fixture(scope="session")
def address(embedder: Embedder) -> Iterator[str]:
    """An embedder without a token that takes 200,000 bytes and a megapixel."""
    with serving(create_app(Settings(embedder_max_bytes=200_000, embedder_max_pixels=1_000_000), embedder)) as address:
        yield address
