"""The results of searches: hits with ranks, scores and provenance, and facet counts."""

import strawberry

from medsearch_api.schema.details import ImageProvenance, ReportProvenance
from medsearch_api.schema.paging import Connection, Edge, nodes
from medsearch_api.schema.types import Image, Report


@strawberry.type
class HitEdge(Edge):
    """Fields shared by all hits."""

    rank: int = strawberry.field(description="1 for the best hit.")


@strawberry.type
class ImageHitEdge(HitEdge):
    """Fields shared by all image hits."""

    node: Image = strawberry.field(description="The image.")

    @strawberry.field(description="The image's provenance.")
    def provenance(self) -> ImageProvenance:
        return self.node.provenance


@strawberry.type(description="A report hit.")
class ReportHitEdge(HitEdge):
    score: float = strawberry.field(description="BM25, summed over the fields searched; 0 for an empty query.")
    node: Report = strawberry.field(description="The report.")

    @strawberry.field(description="The report's provenance.")
    def provenance(self) -> ReportProvenance:
        return self.node.provenance


@strawberry.type(description="A page of report hits, best first, ties by report ID.")
class ReportHitConnection(Connection):
    edges: list[ReportHitEdge] = strawberry.field(description="The reports on this page with their scores.")
    nodes: list[Report] = nodes("The reports on this page.")


@strawberry.type(description="An image hit of a similarity search.")
class SimilarImageEdge(ImageHitEdge):
    score: float = strawberry.field(description="Cosine similarity, -1 to 1.")


@strawberry.type(description="A page of similar images, nearest first, ties by image ID.")
class SimilarImageConnection(Connection):
    edges: list[SimilarImageEdge] = strawberry.field(description="The images on this page with their scores.")
    nodes: list[Image] = nodes("The images on this page.")


@strawberry.type(description="An image's rank in one part of a hybrid search.")
class HybridPart:
    rank: int = strawberry.field(description="1 for the best hit of this part.")
    score: float = strawberry.field(description="The part's own score.")


@strawberry.type(description="An image hit of a hybrid search: by similarity, by the text of its report, or by both.")
class HybridImageEdge(ImageHitEdge):
    score: float = strawberry.field(description="Reciprocal rank fusion: the sum over its parts of 1 / (60 + rank).")
    likeness: HybridPart | None = strawberry.field(
        description="Its rank by similarity, with the cosine; null if it is not among the nearest candidates."
    )
    words: HybridPart | None = strawberry.field(
        description="Its report's rank by text, with BM25; null if it is not among the best candidates."
    )


@strawberry.type(description="A page of hybrid search hits, best first, ties by image ID.")
class HybridImageConnection(Connection):
    edges: list[HybridImageEdge] = strawberry.field(description="The images on this page with the parts of their scores.")
    nodes: list[Image] = nodes("The images on this page.")


@strawberry.type(description="The number of reports with a value.")
class FacetCount:
    value: str = strawberry.field(
        description="The value as stored in the index: codes, views, modalities and tags as in filters, sex as M, F or O."
    )
    label: str | None = strawberry.field(description="The description of an ICD-10-CM code, if known.")
    count: int = strawberry.field(description="The number of reports with it.")
