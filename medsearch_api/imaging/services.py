"""What the routes of images share for the life of the service: tables, originals, the renderer, the catalogue of UIDs."""

from __future__ import annotations

from dataclasses import dataclass

from medsearch_api.backends.tables import StudyTables
from medsearch_api.imaging.originals import Originals
from medsearch_api.imaging.rendering import Renderer
from medsearch_api.imaging.uid_index import UidIndex
from medsearch_api.settings import Settings
from medsearch_core.storage.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Imaging:
    """Opened once; holds no study."""

    tables: StudyTables
    renderer: Renderer
    uid_index: UidIndex


def open_imaging(settings: Settings, warehouse: Warehouse) -> Imaging:
    """The image services over a warehouse and the landing store that the settings name. Reads nothing yet."""
    uid_index = UidIndex(warehouse.store, settings.api_dicomweb_instances, settings.api_dicomweb_refresh_seconds)
    return Imaging(StudyTables(warehouse), Renderer(Originals(settings), settings), uid_index)
