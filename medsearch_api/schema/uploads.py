"""Search by file: which files are accepted, and the embedding of one."""

from typing import Annotated, NewType, Self

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from medsearch_api.backends.context import Info
from medsearch_api.schema.arguments import argument
from medsearch_api.schema.enums import UploadFormat
from medsearch_api.uploads.embedder_client import FileEmbedding
from medsearch_api.uploads.forms import UploadedFile

Upload = NewType("Upload", UploadedFile)


def _file(value: object) -> UploadedFile:
    if not isinstance(value, UploadedFile):
        raise GraphQLError("an Upload must be a file in a multipart request (GraphQL multipart request specification)")
    return value


UPLOAD: ScalarDefinition = strawberry.scalar(
    name="Upload",
    description="A file in a multipart/form-data request (GraphQL multipart request specification). It is never stored.",
    parse_value=_file,
)


@strawberry.type(description="The files that are accepted for search by file.")
class UploadLimits:
    max_bytes: int = strawberry.field(description="Maximum file size in bytes.")
    formats: list[UploadFormat] = strawberry.field(description="The accepted formats, detected by content.")

    @classmethod
    def of(cls, max_bytes: int) -> Self:
        """Create the limits from the maximum file size."""
        return cls(max_bytes=max_bytes, formats=list(UploadFormat))


@strawberry.type(description="A file's vector, made with the index's model, and the image that the model received.")
class UploadEmbedding:
    vector: list[float] = strawberry.field(description="The vector, for similarImages and hybridSearch.")
    model_id: str = strawberry.field(description="Architecture and weights.")
    model_version: str = strawberry.field(description="Digest of the weights, and version of the preprocessing.")
    format: UploadFormat = strawberry.field(description="The file's format.")
    frame: int = strawberry.field(description="The frame that was embedded: the only one, or the middle one of several.")
    frames: int = strawberry.field(description="The number of frames.")
    rows: int = strawberry.field(description="Rows of the original.")
    columns: int = strawberry.field(description="Columns of the original.")
    thumbnail: str = strawberry.field(description="The image that the model received, as a base64-encoded PNG.")

    @classmethod
    def of(cls, embedded: FileEmbedding) -> Self:
        """Create it from the embedder's result."""
        names = ("vector", "model_id", "model_version", "frame", "frames", "rows", "columns", "thumbnail")
        return cls(format=UploadFormat(embedded.format), **{name: getattr(embedded, name) for name in names})


@strawberry.type
class Uploads:
    """The queries for search by file."""

    @strawberry.field(description="The files that are accepted for search by file; null if it is disabled.")
    async def uploads(self, info: Info) -> UploadLimits | None:
        embedder = info.context.embedder
        return UploadLimits.of(embedder.max_bytes) if embedder else None

    @strawberry.field(
        description="A file's vector, made with the index's model: query it once, then search, filter and page with the vector."
    )
    async def embedding(self, info: Info, upload: Annotated[Upload, argument("A DICOM, PNG or JPEG file.")]) -> UploadEmbedding:
        return UploadEmbedding.of(await info.context.loaders.embeddings.load(upload))
