"""A file's vector as the index understands it: of the very model that its current release holds vectors of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from medsearch_api.uploads.embedder_client import EmbedderClient, EmbedderNotConfigured, FileEmbedding, ModelMismatch
from medsearch_api.uploads.forms import UploadedFile
from medsearch_core.search.releases import ReleasedIndex
from medsearch_core.search.results import IndexHealth


async def embed_files(
    index: ReleasedIndex, embedder: EmbedderClient | None, files: Sequence[UploadedFile]
) -> list[FileEmbedding]:
    """What the embedder says of files, in their order.

    Raises:
        EmbedderNotConfigured: there is no embedder.
        ModelMismatch: its model is another than the index's.
        UnusableFile, EmbedderUnavailable: as `EmbedderClient.embed`.
        StorageError: the index cannot be read.
    """
    if embedder is None:
        raise EmbedderNotConfigured
    requests = asyncio.gather(*(embedder.embed(file.data) for file in files))
    health, embeddings = await asyncio.gather(asyncio.to_thread(index.health), requests)
    for embedding in embeddings:
        check_model(embedding, health)
    return embeddings


def check_model(embedded: FileEmbedding, health: IndexHealth) -> None:
    """
    Raises:
        ModelMismatch: the vector is not of the model of the index's vectors, so their distances mean nothing.
    """
    of_file, of_index = (embedded.model_id, embedded.model_version), (health.model_id, health.model_version)
    if health.model_id is not None and of_file != of_index:
        raise ModelMismatch(
            f"The embedder's model is {' '.join(of_file)}, the index's is {of_index[0]} {of_index[1]}. Start the embedder with "
            "the settings that the index was built with."
        )
