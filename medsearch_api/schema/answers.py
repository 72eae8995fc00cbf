"""Types that answer a query: hits, pages, counts."""

import strawberry

from medsearch_api.schema.types import Image, Report


@strawberry.type(description="One report found.")
class ReportHit:
    score: float = strawberry.field(description="BM25, summed over the fields searched; 0 when no words were asked for.")
    report: Report = strawberry.field(description="The report.")


@strawberry.type(description="One page of reports, best first.")
class ReportPage:
    total: int = strawberry.field(description="How many reports match in all.")
    hits: list[ReportHit] = strawberry.field(description="The reports of this page.")


@strawberry.type(description="One image found by likeness.")
class SimilarImage:
    rank: int = strawberry.field(description="1 for the nearest of all; a page begins at its offset and 1.")
    score: float = strawberry.field(description="Cosine similarity, -1 to 1.")
    image: Image = strawberry.field(description="The image.")


@strawberry.type(description="How many reports hold a value.")
class FacetCount:
    value: str = strawberry.field(description="The value, fit for a filter.")
    label: str | None = strawberry.field(description="What an ICD-10-CM code is called, where that is known.")
    count: int = strawberry.field(description="How many reports hold it.")


@strawberry.type(description="What the index holds, and which model its vectors are of.")
class Index:
    images: int = strawberry.field(description="Images.")
    reports: int = strawberry.field(description="Reports.")
    studies: int = strawberry.field(description="Studies.")
    model_id: str | None = strawberry.field(description="Architecture and weights; null while there is no image.")
    model_version: str | None = strawberry.field(description="Digest of the weights, and the preprocessing's version.")
    dimensions: int | None = strawberry.field(description="Length of a vector.")
