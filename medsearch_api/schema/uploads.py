"""Files to search by: which may be given, and what is told of one once it was embedded."""

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
        raise GraphQLError("an Upload is a file of a multipart request (GraphQL multipart request specification)")
    return value


UPLOAD: ScalarDefinition = strawberry.scalar(
    name="Upload",
    description="A file of a multipart/form-data request, by the GraphQL multipart request specification. It is never stored.",
    parse_value=_file,
)


@strawberry.type(description="Which files may be given to search by.")
class UploadLimits:
    max_bytes: int = strawberry.field(description="Size of the largest file, in bytes.")
    formats: list[UploadFormat] = strawberry.field(description="Their formats, told by content.")

    @classmethod
    def of(cls, max_bytes: int) -> Self:
        """The limits of a service that takes files of that size."""
        return cls(max_bytes=max_bytes, formats=list(UploadFormat))


@strawberry.type(description="The vector of a file, by the index's own model, and the picture that the model saw.")
class UploadEmbedding:
    vector: list[float] = strawberry.field(description="The vector, for similarImages and hybridSearch.")
    model_id: str = strawberry.field(description="Architecture and weights.")
    model_version: str = strawberry.field(description="Digest of the weights, and the preprocessing's version.")
    format: UploadFormat = strawberry.field(description="The file's format.")
    frame: int = strawberry.field(description="Which frame was taken: the only one, or the middle of several.")
    frames: int = strawberry.field(description="How many frames there are.")
    rows: int = strawberry.field(description="Rows of the original.")
    columns: int = strawberry.field(description="Columns of the original.")
    thumbnail: str = strawberry.field(description="Base64 of a PNG: what the model saw.")

    @classmethod
    def of(cls, embedded: FileEmbedding) -> Self:
        """What the embedder said of a file."""
        names = ("vector", "model_id", "model_version", "frame", "frames", "rows", "columns", "thumbnail")
        return cls(format=UploadFormat(embedded.format), **{name: getattr(embedded, name) for name in names})


@strawberry.type
class Uploads:
    """The queries about files to search by."""

    @strawberry.field(description="Which files may be given to search by; null where none may.")
    async def uploads(self, info: Info) -> UploadLimits | None:
        embedder = info.context.embedder
        return UploadLimits.of(embedder.max_bytes) if embedder else None

    @strawberry.field(
        description="The vector of a file, by the index's own model: ask it once, then search, filter and page by the vector."
    )
    async def embedding(self, info: Info, upload: Annotated[Upload, argument("A DICOM, PNG or JPEG file.")]) -> UploadEmbedding:
        return UploadEmbedding.of(await info.context.loaders.embeddings.load(upload))
