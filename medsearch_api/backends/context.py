"""The context that resolvers use: backends shared by all requests, and loaders of one request.

Belongs here: opening and holding the backends. Not here: queries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import strawberry

from medsearch_api.backends.ledger import LedgerReader
from medsearch_api.backends.loaders import Loaders
from medsearch_api.settings import Settings
from medsearch_api.sign_in.viewer import NOBODY, Viewer
from medsearch_api.uploads.embedder_client import EmbedderClient, open_embedder
from medsearch_core.search.open import open_index
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Backends:
    """The data sources. Index and warehouse block, so they are called in threads, off the event loop.

    Args:
        embedder: None if search by file is disabled.
        ledger: the cache of the ledger's totals, shared by all requests.
    """

    index: ReleasedIndex
    warehouse: Warehouse
    embedder: EmbedderClient | None = None
    ledger: LedgerReader = field(default_factory=LedgerReader)


@dataclass(frozen=True, slots=True)
class Context:
    """One request's view of the backends, and its viewer."""

    index: ReleasedIndex
    loaders: Loaders
    warehouse: Warehouse
    viewer: Viewer = NOBODY
    embedder: EmbedderClient | None = None
    ledger: LedgerReader = field(default_factory=LedgerReader)


if TYPE_CHECKING:
    Info = strawberry.Info[Context, None]
else:
    Info = strawberry.Info

OpenBackends = Callable[[Settings], Backends]


def open_backends(settings: Settings) -> Backends:
    """Open the configured index, warehouse and embedder.

    Raises:
        ConfigurationError: the index or the warehouse cannot be opened.
    """
    warehouse = Warehouse(open_store(settings.warehouse, settings.s3))
    return Backends(open_index(settings), warehouse, open_embedder(settings))


def create_context(backends: Backends, viewer: Viewer = NOBODY) -> Context:
    """Create the context of one request; its loaders' caches live no longer than the request."""
    index, warehouse, embedder = backends.index, backends.warehouse, backends.embedder
    return Context(index, Loaders(index, warehouse, embedder), warehouse, viewer, embedder, backends.ledger)
