"""The typed queries. Arguments are checked here, the index answers, types resolve what hangs on an answer."""

import asyncio
from typing import Annotated

import strawberry

from medsearch_api.codes import description_of
from medsearch_api.context import Info
from medsearch_api.schema.answers import FacetCount, Index, ReportHit, ReportPage, SimilarImage
from medsearch_api.schema.enums import FacetField, ReportField
from medsearch_api.schema.filters import FiltersInput, filters_of
from medsearch_api.schema.limits import MAX_LIMIT, check_page, check_query, check_range, checked_vector
from medsearch_api.schema.types import Image, Report, Study
from medsearch_core.errors import InvalidQuery
from medsearch_core.keys import StudyKey
from medsearch_core.search.likeness import Exclude, similar_to
from medsearch_core.search.query import MAX_HITS, TextField


def _arg(description: str) -> object:
    return strawberry.argument(description=description)


FiltersArgument = Annotated[FiltersInput | None, _arg("What a hit must be.")]
CODE_FACETS = frozenset({"present_codes", "absent_codes", "uncertain_codes"})


@strawberry.type
class Query:
    @strawberry.field(description="One image; null if it is not indexed.")
    async def image(self, info: Info, id: Annotated[strawberry.ID, _arg("The image's id.")]) -> Image | None:
        document = await info.context.loaders.images.load(id)
        return Image.of(document) if document else None

    @strawberry.field(description="One report; null if it is not indexed.")
    async def report(self, info: Info, id: Annotated[strawberry.ID, _arg("The report's id.")]) -> Report | None:
        document = await info.context.loaders.reports.load(id)
        return Report.of(document) if document else None

    @strawberry.field(description="One study; null if the warehouse has neither an image nor a report of it.")
    async def study(
        self,
        info: Info,
        patient: Annotated[str, _arg("Patient key.")],
        study: Annotated[str, _arg("Study key.")],
    ) -> Study | None:
        key = _study_key(patient, study)
        loaders = info.context.loaders
        images, reports = await asyncio.gather(loaders.image_rows.load(key), loaders.read_reports.load(key))
        if not images and not reports:
            return None
        return Study(
            patient=patient,
            study=study,
            image_ids=[row["image_id"] for row in images],
            report_ids=[report.report_id for report in reports],
        )

    @strawberry.field(
        description="Reports holding any of the words, by BM25; all reports by id when there are none. The query is only text."
    )
    async def search_reports(
        self,
        info: Info,
        query: Annotated[str, _arg("Words.")] = "",
        fields: Annotated[list[ReportField] | None, _arg("Where to look; Findings and Impression if not given.")] = None,
        filters: FiltersArgument = None,
        offset: Annotated[int, _arg("How many reports to pass over.")] = 0,
        limit: Annotated[int, _arg(f"How many reports to give, 0 to {MAX_LIMIT}.")] = 20,
    ) -> ReportPage:
        check_query(query)
        check_page(offset, "limit", limit, 0, MAX_LIMIT)
        places = [TextField(field.value) for field in fields or ()]
        page = await asyncio.to_thread(info.context.index.text, query, places, filters_of(filters), offset, limit)
        return ReportPage(
            total=page.total, hits=[ReportHit(score=hit.score, report=Report.of(hit.document)) for hit in page.hits]
        )

    @strawberry.field(description="Images most like an image or a vector, nearest first. Give one of imageId and vector.")
    async def similar_images(
        self,
        info: Info,
        image_id: Annotated[strawberry.ID | None, _arg("An indexed image.")] = None,
        vector: Annotated[list[float] | None, _arg("An embedding by the index's model.")] = None,
        k: Annotated[int, _arg(f"How many images to give, 1 to {MAX_HITS}.")] = 10,
        filters: FiltersArgument = None,
        exclude_same_patient: Annotated[bool, _arg("Leave out all images of the image's patient.")] = False,
        exclude_same_study: Annotated[bool, _arg("Leave out all images of the image's study.")] = False,
        include_self: Annotated[bool, _arg("Keep the image itself among the hits.")] = False,
        offset: Annotated[int, _arg("How many images to pass over.")] = 0,
    ) -> list[SimilarImage]:
        check_page(offset, "k", k, 1, MAX_HITS)
        if (image_id is None) == (vector is None):
            raise InvalidQuery("give either imageId or vector")
        if vector is not None and (exclude_same_patient or exclude_same_study):
            raise InvalidQuery("a vector has no patient and no study to exclude")
        index, asked = info.context.index, filters_of(filters)
        if image_id is not None:
            exclude = _left_out(exclude_same_patient, exclude_same_study, include_self)
            hits = await asyncio.to_thread(similar_to, index, image_id, k, asked, offset, exclude)
        else:
            hits = await asyncio.to_thread(index.similar, checked_vector(vector or ()), k, asked, offset)
        return [
            SimilarImage(rank=rank, score=hit.score, image=Image.of(hit.document))
            for rank, hit in enumerate(hits, start=offset + 1)
        ]

    @strawberry.field(description="The most frequent values of a field of the reports that match, by count, then value.")
    async def facets(
        self,
        info: Info,
        field: Annotated[FacetField, _arg("Whose values to count.")],
        query: Annotated[str, _arg("Words, as in searchReports.")] = "",
        filters: FiltersArgument = None,
        size: Annotated[int, _arg(f"How many values to give, 1 to {MAX_LIMIT}.")] = 10,
    ) -> list[FacetCount]:
        check_query(query)
        check_range("size", size, 1, MAX_LIMIT)
        name = str(field.value)
        counts = await asyncio.to_thread(info.context.index.facets, name, filters_of(filters), size, query)
        return [
            FacetCount(value=c.value, count=c.count, label=description_of(c.value) if name in CODE_FACETS else None)
            for c in counts
        ]

    @strawberry.field(description="What the index holds now.")
    async def index(self, info: Info) -> Index:
        health = await asyncio.to_thread(info.context.index.health)
        names = ("images", "reports", "studies", "model_id", "model_version", "dimensions")
        return Index(**{name: getattr(health, name) for name in names})


def _study_key(patient: str, study: str) -> StudyKey:
    try:
        return StudyKey(patient, study)
    except ValueError as error:
        raise InvalidQuery(str(error)) from error


def _left_out(same_patient: bool, same_study: bool, include_self: bool) -> Exclude:
    """What is left out of the images like an image: the most that is asked for, and the image itself unless it is wanted."""
    if same_patient:
        return Exclude.PATIENT
    if same_study:
        return Exclude.STUDY
    return Exclude.NOTHING if include_self else Exclude.IMAGE
