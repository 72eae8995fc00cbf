"""What searches answer: hits with their ranks, scores and provenance, and counts."""

import strawberry

from medsearch_api.schema.details import ImageProvenance, ReportProvenance
from medsearch_api.schema.paging import Connection, Edge, nodes
from medsearch_api.schema.types import Image, Report


@strawberry.type
class HitEdge(Edge):
    """What every hit has."""

    rank: int = strawberry.field(description="1 for the best of all.")


@strawberry.type
class ImageHitEdge(HitEdge):
    """What every image found has."""

    node: Image = strawberry.field(description="The image.")

    @strawberry.field(description="Where the image comes from.")
    def provenance(self) -> ImageProvenance:
        return self.node.provenance


@strawberry.type(description="One report found.")
class ReportHitEdge(HitEdge):
    score: float = strawberry.field(description="BM25, summed over the fields searched; 0 when no words were asked for.")
    node: Report = strawberry.field(description="The report.")

    @strawberry.field(description="Where the report comes from.")
    def provenance(self) -> ReportProvenance:
        return self.node.provenance


@strawberry.type(description="Reports found, best first, ties by report id: a page of them.")
class ReportHitConnection(Connection):
    edges: list[ReportHitEdge] = strawberry.field(description="The reports of this page with their scores.")
    nodes: list[Report] = nodes("The reports of this page.")


@strawberry.type(description="One image found by likeness.")
class SimilarImageEdge(ImageHitEdge):
    score: float = strawberry.field(description="Cosine similarity, -1 to 1.")


@strawberry.type(description="Images found by likeness, nearest first, ties by image id: a page of them.")
class SimilarImageConnection(Connection):
    edges: list[SimilarImageEdge] = strawberry.field(description="The images of this page with their scores.")
    nodes: list[Image] = nodes("The images of this page.")


@strawberry.type(description="The place of an image in one part of a hybrid search.")
class HybridPart:
    rank: int = strawberry.field(description="1 for the best of this part.")
    score: float = strawberry.field(description="The part's own score.")


@strawberry.type(description="One image found by likeness, by the words of its report, or by both.")
class HybridImageEdge(ImageHitEdge):
    score: float = strawberry.field(description="Reciprocal rank fusion: the sum over its parts of 1 / (60 + rank).")
    likeness: HybridPart | None = strawberry.field(
        description="Its place by likeness, with the cosine; null if not among the nearest looked at."
    )
    words: HybridPart | None = strawberry.field(
        description="Its report's place by words, with BM25; null if not among the best reports looked at."
    )


@strawberry.type(description="Images found by likeness and words, best first, ties by image id: a page of them.")
class HybridImageConnection(Connection):
    edges: list[HybridImageEdge] = strawberry.field(description="The images of this page with the parts of their scores.")
    nodes: list[Image] = nodes("The images of this page.")


@strawberry.type(description="How many reports hold a value.")
class FacetCount:
    value: str = strawberry.field(
        description="The value as the index holds it: codes, views, modalities and tags as in filters, a sex as M, F or O."
    )
    label: str | None = strawberry.field(description="What an ICD-10-CM code is called, where that is known.")
    count: int = strawberry.field(description="How many reports hold it.")
