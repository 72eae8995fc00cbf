"""Embeddings of files, checked to come from the same model as the index's vectors."""

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
    """Embed files and return their embeddings in order.

    Raises:
        EmbedderNotConfigured: there is no embedder.
        ModelMismatch: the embedder's model differs from the index's.
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
    """Check that an embedding comes from the index's model; otherwise distances would be meaningless.

    Raises:
        ModelMismatch: the models differ.
    """
    of_file, of_index = (embedded.model_id, embedded.model_version), (health.model_id, health.model_version)
    if health.model_id is not None and of_file != of_index:
        raise ModelMismatch(
            f"The embedder uses the model {' '.join(of_file)}, but the index {of_index[0]} {of_index[1]}. Restart the embedder "
            "with the model settings that the index was built with."
        )
