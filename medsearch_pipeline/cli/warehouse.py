"""Opening the warehouse for commands, which never create one."""

from __future__ import annotations

from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.settings import Settings


def open_warehouse(settings: Settings) -> Warehouse:
    """The warehouse of a deployment; raises `ConfigurationError` if its folder does not exist."""
    return Warehouse(open_store(settings.warehouse, settings.s3, must_exist=True, setting="MEDSEARCH_WAREHOUSE"))
