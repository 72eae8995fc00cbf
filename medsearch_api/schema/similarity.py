"""The query of a similarity search: an indexed image, a vector, or a file."""

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
    """The arguments of a similarity search. Exactly one of the first three must be given."""

    image_id: str | None
    vector: Sequence[float] | None
    upload: UploadedFile | None
    exclude: Exclude

    def cursor_key(self) -> dict[str, Any]:
        """Return the arguments for a cursor's digest; a file is represented by its SHA-256.

        Raises:
            InvalidQuery: not exactly one of the three is given, or the study or patient of a vector or file is excluded.
        """
        sources = [source for source in (self.image_id, self.vector, self.upload) if source is not None]
        if len(sources) != 1:
            raise InvalidQuery("specify exactly one of imageId, vector and upload")
        if self.image_id is None and self.exclude in (Exclude.STUDY, Exclude.PATIENT):
            raise InvalidQuery(
                "exclude: STUDY and PATIENT need imageId, because a vector or file has neither study nor patient"
            )
        key = {
            "image": self.image_id,
            "vector": check_vector(self.vector) if self.vector else None,
            "exclude": self.exclude.name,
        }
        return key | ({"upload": self.upload.sha256} if self.upload else {})

    async def query_vector(self, info: Info, filters: Filters) -> tuple[Sequence[float], Filters]:
        """Return the vector to compare with, and the filters extended by the exclusion.

        Raises:
            NotIndexed: the image is not in the index.
            UnusableFile, EmbedderUnavailable, ModelMismatch: the file yields no comparable vector.
        """
        if self.upload is not None:
            return (await info.context.loaders.embeddings.load(self.upload)).vector, filters
        if self.image_id is None:
            return self.vector or (), filters
        exclusion = similar_images.Exclude(self.exclude.value)
        return await asyncio.to_thread(similar_images.query_by_image, info.context.index, self.image_id, filters, exclusion)
