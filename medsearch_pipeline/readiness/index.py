"""The search index can be read, is of the present form, and holds vectors of the configured model."""

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
        return finding("problem", "the folder cannot be written", "let this user write to it, or correct the setting")
    try:
        index = open_index(settings)
        current, health = index.current(), index.health()
    except MedsearchError as error:
        return finding("problem", str(error), "start the cluster or correct the setting (docs/opensearch.md)")
    if current is None:
        return finding("ok", "reachable; the first run makes the first release")
    version = schema_version_of(current)
    if version is None or version > INDEX_SCHEMA_VERSION:
        return finding(
            "problem",
            f"the schema of its release {current} is not known to this version, which has schema {INDEX_SCHEMA_VERSION}",
            "install the newer version that made it, or run medsearch reindex, which builds a release from Parquet",
        )
    if version < INDEX_SCHEMA_VERSION:
        return finding(
            "warning", f"its release {current} has an earlier schema, and takes no new documents", "run medsearch reindex"
        )
    if _is_of_another_model(settings, health):
        return finding(
            "warning", f"it holds vectors of {health.model_id}, and the configured model is another: {settings.model}", REINDEX
        )
    return finding("ok", f"{health.images} images, {health.reports} reports of {health.studies} studies")


def _is_writable(index: str) -> bool:
    """Whether the folder of an embedded index, or the first folder above it that exists, can be written."""
    if "://" in index:
        return True
    folder = Path(index)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _is_of_another_model(settings: Settings, health: IndexHealth) -> bool:
    """Whether the index holds another model's vectors, as far as the warehouse tells which model is configured."""
    if health.model_id is None:
        return False
    try:
        warehouse = Warehouse(open_store(settings.warehouse, settings.s3, must_exist=True))
        model = recorded_models(warehouse).get(code_version_of(settings.model, settings.weights))
    except (ConfigurationError, MedsearchError):
        return False
    return model is not None and model != (health.model_id, health.model_version)
