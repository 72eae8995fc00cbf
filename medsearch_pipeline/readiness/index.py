"""Whether the search index can be read, has the current schema, and holds vectors of the configured model."""

from __future__ import annotations

import os
from pathlib import Path

from medsearch_core.errors import ConfigurationError, MedsearchError
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.open import open_index
from medsearch_core.search.releases import schema_version_of
from medsearch_core.search.results import IndexHealth
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.models.code_version import code_version_of, recorded_models
from medsearch_pipeline.readiness.finding import Finding, Level
from medsearch_pipeline.settings import Settings

REINDEX = "when all studies are embedded, run medsearch reindex"


def check_index(settings: Settings) -> Finding:
    """Whether the index can be used."""

    def finding(level: Level, message: str, advice: str | None = None) -> Finding:
        return Finding(
            check="search index",
            level=level,
            message=message,
            setting="MEDSEARCH_INDEX",
            value=settings.index,
            advice=advice,
        )

    if not _is_writable(settings.index):
        return finding("problem", "the folder is not writable", "let this user write to it, or correct the setting")
    try:
        index = open_index(settings)
        current, health = index.current(), index.health()
    except MedsearchError as error:
        return finding("problem", str(error), "start the cluster or correct the setting (docs/opensearch.md)")
    if current is None:
        return finding("ok", "reachable; the first run creates the first release")
    version = schema_version_of(current)
    if version is None or version > INDEX_SCHEMA_VERSION:
        return finding(
            "problem",
            f"this version, with schema {INDEX_SCHEMA_VERSION}, does not know the schema of its release {current}",
            "install the newer version that made it, or run medsearch reindex to build a release from Parquet",
        )
    if version < INDEX_SCHEMA_VERSION:
        return finding(
            "warning", f"its release {current} has an earlier schema and accepts no new documents", "run medsearch reindex"
        )
    if _is_of_another_model(settings, health):
        return finding(
            "warning", f"it holds vectors of {health.model_id}, but the configured model is {settings.model}", REINDEX
        )
    images, reports = counted(health.images, "image"), counted(health.reports, "report")
    return finding("ok", f"{images}, {reports} of {counted(health.studies, 'study')}")


def _is_writable(index: str) -> bool:
    """Whether the folder of an embedded index, or the nearest existing folder above it, is writable."""
    if "://" in index:
        return True
    folder = Path(index)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _is_of_another_model(settings: Settings, health: IndexHealth) -> bool:
    """Whether the index holds another model's vectors, as far as the warehouse has recorded the configured model."""
    if health.model_id is None:
        return False
    try:
        warehouse = Warehouse(open_store(settings.warehouse, settings.s3, must_exist=True))
        model = recorded_models(warehouse).get(code_version_of(settings.model, settings.weights))
    except (ConfigurationError, MedsearchError):
        return False
    return model is not None and model != (health.model_id, health.model_version)
