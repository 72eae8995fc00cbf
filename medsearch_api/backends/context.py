"""What resolvers reach: the backends shared by all requests, and one request's loaders.

Belongs here: opening the backends, and holding them. Not here: what is asked of them.
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
    """Where answers come from. Index and warehouse are blocking and are called off the event loop.

    Args:
        embedder: None: nobody can search by a file.
        ledger: what all requests remember of the warehouse's ledger.
    """

    index: ReleasedIndex
    warehouse: Warehouse
    embedder: EmbedderClient | None = None
    ledger: LedgerReader = field(default_factory=LedgerReader)


@dataclass(frozen=True, slots=True)
class Context:
    """One request's view of the backends, and who is looking."""

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
    """The index, the warehouse and the embedder that the settings name.

    Raises:
        ConfigurationError: index or warehouse cannot be opened.
    """
    warehouse = Warehouse(open_store(settings.warehouse, settings.s3))
    return Backends(open_index(settings), warehouse, open_embedder(settings))


def create_context(backends: Backends, viewer: Viewer = NOBODY) -> Context:
    """A context for one request; what its loaders remember dies with it."""
    index, warehouse, embedder = backends.index, backends.warehouse, backends.embedder
    return Context(index, Loaders(index, warehouse, embedder), warehouse, viewer, embedder, backends.ledger)
