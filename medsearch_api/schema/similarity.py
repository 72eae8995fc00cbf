"""What images are to be like: an indexed image, a vector, or a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medsearch_api.backends.context import Info
from medsearch_api.schema.enums import Exclude
from medsearch_api.schema.limits import check_vector
from medsearch_api.uploads.forms import UploadedFile
from medsearch_core.errors import InvalidQuery
from medsearch_core.search import similar_images
from medsearch_core.search.query import Filters


@dataclass(frozen=True, slots=True)
class SimilarityArguments:
    """The arguments of a search by likeness, of which one of the first three is to be given."""

    image_id: str | None
    vector: Sequence[float] | None
    upload: UploadedFile | None
    exclude: Exclude

    def cursor_key(self) -> dict[str, Any]:
        """What is asked, for a cursor's digest: of a file its SHA-256.

        Raises:
            InvalidQuery: not exactly one is given, or what a vector and a file do not have is to be left out.
        """
        sources = [source for source in (self.image_id, self.vector, self.upload) if source is not None]
        if len(sources) != 1:
            raise InvalidQuery("give one of imageId, vector and upload")
        if self.image_id is None and self.exclude in (Exclude.STUDY, Exclude.PATIENT):
            raise InvalidQuery("a vector or a file has no patient and no study to exclude")
        key = {
            "image": self.image_id,
            "vector": check_vector(self.vector) if self.vector else None,
            "exclude": self.exclude.name,
        }
        return key | ({"upload": self.upload.sha256} if self.upload else {})

    async def query_vector(self, info: Info, filters: Filters) -> tuple[Sequence[float], Filters]:
        """The vector that hits are compared with, and the filters with what is left out.

        Raises:
            NotIndexed: the image is not in the index.
            UnusableFile, EmbedderUnavailable, ModelMismatch: the file has no vector that can be compared.
        """
        if self.upload is not None:
            return (await info.context.loaders.embeddings.load(self.upload)).vector, filters
        if self.image_id is None:
            return self.vector or (), filters
        exclusion = similar_images.Exclude(self.exclude.value)
        return await asyncio.to_thread(similar_images.query_by_image, info.context.index, self.image_id, filters, exclusion)
