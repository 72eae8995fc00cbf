"""DataLoaders: however many objects a query requests, each backend is called once per kind and level.

Belongs here: batched reads that return results in key order, with None for keys that have no result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TypeVar

from strawberry.dataloader import DataLoader

from medsearch_api.backends.tables import ImageRow, StudyTables, WarehouseReport
from medsearch_api.uploads.checked import embed_files
from medsearch_api.uploads.embedder_client import EmbedderClient, FileEmbedding
from medsearch_api.uploads.forms import UploadedFile
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.storage.warehouse import Warehouse

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class Loaders:
    """One request's loaders. Each caches its results, so that a request sees one consistent state of every object."""

    def __init__(self, index: ReleasedIndex, warehouse: Warehouse, embedder: EmbedderClient | None = None) -> None:
        tables = StudyTables(warehouse)
        self.images: DataLoader[str, ImageDocument | None] = _loader(index.images)
        self.reports: DataLoader[str, ReportDocument | None] = _loader(index.reports)
        self.images_of_reports: DataLoader[str, Sequence[ImageDocument]] = _loader(index.images_of_reports)
        self.image_rows: DataLoader[StudyKey, Sequence[ImageRow]] = _loader(tables.images)
        self.studies_of_patients: DataLoader[str, Sequence[StudyKey]] = _loader(tables.studies)
        self.embeddings: DataLoader[UploadedFile, FileEmbedding] = DataLoader(load_fn=partial(embed_files, index, embedder))
        self.release: DataLoader[str, str | None] = _loader(lambda keys: [index.current()] * len(keys))
        self.runs: DataLoader[tuple[str, StudyKey], str | None] = _loader(tables.runs)
        self.warehouse_reports: DataLoader[StudyKey, Sequence[WarehouseReport]] = _loader(tables.reports)


def _loader(read: Callable[[Sequence[Key]], Sequence[Result]]) -> DataLoader[Key, Result]:
    """Create a loader that runs a blocking read in a thread."""

    async def load(keys: list[Key]) -> Sequence[Result]:
        return await asyncio.to_thread(read, keys)

    return DataLoader(load_fn=load)
