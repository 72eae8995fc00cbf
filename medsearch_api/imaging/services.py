"""Objects that the image routes share for the lifetime of the service: tables, originals, renderer and UID index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette

from medsearch_api.backends.tables import StudyTables
from medsearch_api.imaging.originals import Originals
from medsearch_api.imaging.rendering import Renderer
from medsearch_api.imaging.turns import TurnTaker
from medsearch_api.imaging.uid_index import UidIndex
from medsearch_api.settings import Settings
from medsearch_core.storage.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Imaging:
    """The shared image services, opened once."""

    tables: StudyTables
    renderer: Renderer
    uid_index: UidIndex

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """While the service runs: imports what decoding needs, in a process beside it, before the first request asks."""
        self.renderer.decoders.warm()
        self.renderer.decoders.check_confinement()
        yield
        self.renderer.decoders.close()


def open_imaging(settings: Settings, warehouse: Warehouse, turns: TurnTaker | None = None, workers: int = 1) -> Imaging:
    """Create the image services for a warehouse and the configured landing store. Reads nothing yet.

    Args:
        turns: to decode; None for turns of this process alone.
        workers: processes that share what the settings allow.
    """
    uid_index = UidIndex(warehouse.store, settings.api_dicomweb_instances, settings.api_dicomweb_refresh_seconds)
    return Imaging(StudyTables(warehouse), Renderer(Originals(settings), settings, turns, workers), uid_index)
