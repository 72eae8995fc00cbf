"""The search queries: by text, by similarity, by both, and facets."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import strawberry

from medsearch_api.backends.context import Info
from medsearch_api.backends.icd10_names import find_description
from medsearch_api.schema.arguments import argument
from medsearch_api.schema.enums import Exclude, FacetField, ReportField
from medsearch_api.schema.filters import FiltersInput, parse_filters
from medsearch_api.schema.hits import (
    FacetCount,
    HybridImageConnection,
    HybridImageEdge,
    HybridPart,
    ReportHitConnection,
    ReportHitEdge,
    SimilarImageConnection,
    SimilarImageEdge,
)
from medsearch_api.schema.limits import MAX_SIZE, check_query, check_range
from medsearch_api.schema.paging import Count, Window, constant_count, resolve_window
from medsearch_api.schema.similarity import SimilarityArguments
from medsearch_api.schema.types import After, First, Image, Report, Words
from medsearch_api.schema.uploads import Upload
from medsearch_core.errors import InvalidQuery, StorageError
from medsearch_core.search.hybrid import WINDOW, Part, hybrid
from medsearch_core.search.query import MAX_HITS, Filters, TextField
from medsearch_core.search.results import ReportPage
from medsearch_core.search.similar_reports import MAX_SIMILAR_REPORTS, filters_for_similar, more_like

CODE_FACETS = frozenset({"present_codes", "absent_codes", "uncertain_codes"})


FiltersArgument = Annotated[FiltersInput | None, argument("Conditions on hits.", "filters")]
Fields = Annotated[list[ReportField] | None, argument("Which parts of reports to search; Findings and Impression if omitted.")]
ImageId = Annotated[strawberry.ID | None, argument("An indexed image.")]
Vector = Annotated[list[float] | None, argument("An embedding made with the index's model.")]
File = Annotated[
    Upload | None, argument("A DICOM, PNG or JPEG file. Each request embeds it again; to page, query embedding first.")
]
Excluding = Annotated[
    Exclude, argument("What to exclude from the images similar to imageId. A vector or file has neither study nor patient.")
]


@strawberry.type
class Searches:
    """The search queries."""

    @strawberry.field(
        description="Reports that contain any of the words, ranked by BM25; all reports by ID if there are no words."
    )
    async def search_reports(
        self,
        info: Info,
        query: Words = "",
        fields: Fields = None,
        filters_input: FiltersArgument = None,
        first: First = 20,
        after: After = None,
    ) -> ReportHitConnection:
        check_query(query)
        text_fields, filters = _text_fields(fields), parse_filters(filters_input)
        cursor_args = {"query": query, "fields": sorted(p.value for p in text_fields), "filters": _canonical(filters)}
        window = await resolve_window(info, "searchReports", cursor_args, first, after)
        page = await asyncio.to_thread(info.context.index.text, query, text_fields, filters, window.start, window.fetch_size)
        return await _report_connection(info, window, page)

    @strawberry.field(
        description="Reports similar to a report by the words of its Findings and Impression (BM25), without the report itself."
    )
    async def reports_like(
        self,
        info: Info,
        report_id: Annotated[strawberry.ID, argument("An indexed report.")],
        filters_input: FiltersArgument = None,
        first: First = 20,
        after: After = None,
    ) -> ReportHitConnection:
        filters = parse_filters(filters_input)
        cursor_args = {"report": report_id, "filters": _canonical(filters)}
        window = await resolve_window(info, "reportsLike", cursor_args, first, after, MAX_HITS)
        page = await asyncio.to_thread(more_like, info.context.index, report_id, filters, window.start, window.fetch_size)
        return await _report_connection(info, window, page)

    @strawberry.field(
        description=(
            "The k images most similar to an image, a vector or a file, nearest first. Specify exactly one of imageId, vector "
            "and upload. The total counts all images that match the filters."
        )
    )
    async def similar_images(
        self,
        info: Info,
        image_id: ImageId = None,
        vector: Vector = None,
        upload: File = None,
        k: Annotated[int, argument(f"How many of the nearest images can be paged through, 1 to {MAX_HITS}.")] = 100,
        filters_input: FiltersArgument = None,
        exclude: Excluding = Exclude.IMAGE,
        first: First = 20,
        after: After = None,
    ) -> SimilarImageConnection:
        check_range("k", k, 1, MAX_HITS)
        filters = parse_filters(filters_input)
        similarity = SimilarityArguments(image_id, vector, upload, exclude)
        cursor_args = similarity.cursor_key() | {"k": k, "filters": _canonical(filters)}
        window = await resolve_window(info, "similarImages", cursor_args, first, after, k)
        query_vector, filters = await similarity.query_vector(info, filters)
        index = info.context.index
        hits = (
            await asyncio.to_thread(index.similar, query_vector, window.fetch_size, filters, window.start)
            if window.fetch_size
            else ()
        )
        await _check_release(info, window)
        entries, page_info = window.page(hits)
        edges = [
            SimilarImageEdge(cursor=cursor, rank=rank, score=hit.score, node=Image.of(hit.document))
            for rank, cursor, hit in entries
        ]
        return SimilarImageConnection(edges=edges, page_info=page_info, count=_image_counter(info, filters))

    @strawberry.field(
        description=(
            f"The {WINDOW} best images by similarity and by the text of their reports, fused by rank. Specify exactly one of "
            "imageId, vector and upload. Without words only similarity counts. The total counts all images that match the "
            "filters."
        )
    )
    async def hybrid_search(
        self,
        info: Info,
        query: Words,
        image_id: ImageId = None,
        vector: Vector = None,
        upload: File = None,
        fields: Fields = None,
        filters_input: FiltersArgument = None,
        exclude: Excluding = Exclude.IMAGE,
        first: First = 20,
        after: After = None,
    ) -> HybridImageConnection:
        check_query(query)
        text_fields, filters = _text_fields(fields), parse_filters(filters_input)
        words = {"query": query, "fields": sorted(p.value for p in text_fields), "filters": _canonical(filters)}
        similarity = SimilarityArguments(image_id, vector, upload, exclude)
        window = await resolve_window(info, "hybridSearch", similarity.cursor_key() | words, first, after, WINDOW)
        query_vector, filters = await similarity.query_vector(info, filters)
        found = (info.context.index, query_vector, query, window.fetch_size, filters, window.start, text_fields)
        hits = await asyncio.to_thread(hybrid, *found) if window.fetch_size else ()
        await _check_release(info, window)
        entries, page_info = window.page(hits)
        edges = [
            HybridImageEdge(
                cursor=cursor,
                rank=rank,
                score=hit.score,
                node=Image.of(hit.document),
                likeness=_hybrid_part(hit.likeness),
                words=_hybrid_part(hit.words),
            )
            for rank, cursor, hit in entries
        ]
        return HybridImageConnection(edges=edges, page_info=page_info, count=_image_counter(info, filters))

    @strawberry.field(description="The most frequent values of a field among matching reports, by count, then value.")
    async def facets(
        self,
        info: Info,
        field: Annotated[FacetField, argument("The field whose values to count.")],
        query: Words = "",
        like_report: Annotated[
            strawberry.ID | None,
            argument(
                f"Count only the {MAX_SIMILAR_REPORTS} reports most similar to this one, as in reportsLike. Excludes query."
            ),
        ] = None,
        filters_input: FiltersArgument = None,
        size: Annotated[int, argument(f"How many values to return, 1 to {MAX_SIZE}.")] = 10,
    ) -> list[FacetCount]:
        check_query(query)
        check_range("size", size, 1, MAX_SIZE)
        if like_report is not None and query:
            raise InvalidQuery("specify either query or likeReport, not both")
        index, name, filters = info.context.index, str(field.value), parse_filters(filters_input)
        if like_report is not None:
            like = await asyncio.to_thread(filters_for_similar, index, like_report, filters)
            if like is None:
                return []
            filters = like
        counts = await asyncio.to_thread(index.facets, name, filters, size, query)
        return [
            FacetCount(value=c.value, count=c.count, label=find_description(c.value) if name in CODE_FACETS else None)
            for c in counts
        ]


async def _report_connection(info: Info, window: Window, page: ReportPage) -> ReportHitConnection:
    await _check_release(info, window)
    entries, page_info = window.page(page.hits)
    edges = [
        ReportHitEdge(cursor=cursor, rank=rank, score=hit.score, node=Report.of(hit.document)) for rank, cursor, hit in entries
    ]
    return ReportHitConnection(edges=edges, page_info=page_info, count=constant_count(page.total))


async def _check_release(info: Info, window: Window) -> None:
    """
    Raises:
        StorageError: another release became current during the query, so the hits may come from either.
    """
    if await asyncio.to_thread(info.context.index.current) != window.release:
        raise StorageError("The index was replaced during this query; try again.")


def _canonical(filters: Filters) -> dict[str, Any]:
    """Normalize filters for a cursor's digest: the order of values within a field does not matter."""
    return {name: sorted(v) if isinstance(v, list | tuple) else v for name, v in asdict(filters).items()}


def _text_fields(fields: Sequence[ReportField] | None) -> list[TextField]:
    return [TextField(field.value) for field in fields or ()]


def _hybrid_part(part: Part | None) -> HybridPart | None:
    return HybridPart(rank=part.rank, score=part.score) if part else None


def _image_counter(info: Info, filters: Filters) -> Count:
    """Create a count of the matching images, computed only if it is requested."""

    async def count() -> int:
        return (await asyncio.to_thread(info.context.index.count, filters)).images

    return count
