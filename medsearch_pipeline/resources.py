"""Dagster resources: the stores, the index and the model, each opened by the asset that uses it."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import dagster as dg

from medsearch_core.search.open import open_index
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.settings import Deployment
from medsearch_core.storage.object_store import ObjectStore, S3Options
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.protocol import Embedder
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.report_readers.reader import MentionReader, open_reader
from medsearch_pipeline.settings import Settings


class StoreResource(dg.ConfigurableResource):
    """A folder or a bucket. Credentials are the process's own, never configuration."""

    url: str
    s3_endpoint: str | None = None
    s3_region: str | None = None
    must_exist: bool = False
    follows_links: bool = False
    setting: str = ""

    def open(self) -> ObjectStore:
        """The store; raises `ConfigurationError` for a missing folder that must exist."""
        s3 = S3Options(endpoint=self.s3_endpoint, region=self.s3_region)
        return open_store(self.url, s3, must_exist=self.must_exist, follows_links=self.follows_links, setting=self.setting)


class WarehouseResource(StoreResource):
    """The store that assets are written to."""

    def tables(self, run: str) -> Warehouse:
        """The store as tables by study; its writes record the run."""
        return Warehouse(self.open(), run)


@dataclass(frozen=True)
class SearchIndexSource:
    """The search index.

    A plain object (`dg.ResourceParam`), not a `ConfigurableResource`: the settings contain the index's password, and Dagster
    can show and store configuration. Every process reads the settings from its own environment.
    """

    deployment: Deployment = field(repr=False)

    def open(self) -> ReleasedIndex:
        """The index; raises `ConfigurationError` if the settings are inconsistent."""
        return open_index(self.deployment)


@dataclass(frozen=True)
class ReportReaderSource:
    """The configured mention reader; a plain object like the search index."""

    settings: Settings = field(repr=False)

    def open(self) -> MentionReader:
        """The reader; raises `ConfigurationError` if the service has no region."""
        return open_reader(self.settings)


@dataclass(frozen=True)
class EmbedderSource:
    """The configured embedding model, loaded once per process; a plain object like the search index."""

    settings: Settings = field(repr=False)

    def load(self) -> Embedder:
        """The model with its weights; raises `ConfigurationError` if they are not available or no engine here runs it."""
        named = self.settings
        return _load(named.model, named.weights, named.batch_size, named.engine_options)


@cache
def _load(model: str, weights: str, batch_size: int, options: EngineOptions) -> Embedder:
    return load_embedder(model, weights, batch_size, options)


def build_resources(settings: Settings) -> dict[str, Any]:
    """The resources of a deployment."""
    s3: dict[str, Any] = {"s3_endpoint": settings.s3_endpoint, "s3_region": settings.s3_region}
    return {
        "landing": StoreResource(
            url=settings.landing,
            must_exist=True,
            follows_links=settings.follow_links,
            setting="MEDSEARCH_LANDING",
            **s3,
        ),
        "warehouse": WarehouseResource(url=settings.warehouse, setting="MEDSEARCH_WAREHOUSE", **s3),
        "search_index": SearchIndexSource(settings),
        "report_reader": ReportReaderSource(settings),
        "embedder": EmbedderSource(settings),
    }
