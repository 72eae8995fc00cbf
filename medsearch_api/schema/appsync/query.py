"""The queries of the AppSync API: the twenty of AWS's sample "medical image search", on the same index as all others.

Names, arguments and nullability are the sample's; the `size` of counts is an addition. If an argument is omitted, these return
an empty result, whereas the sample's resolvers fail.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import orjson
import strawberry
from strawberry import UNSET

from medsearch_api.backends.context import Info
from medsearch_api.schema.appsync.types import (
    Bucket,
    Image,
    NegativeDiagnoses,
    NegativeICD10CMs,
    NegativeSigns,
    NegativeSymptoms,
    PositiveDiagnoses,
    PositiveICD10CMs,
    PositiveSigns,
    PositiveSymptoms,
    Report,
)
from medsearch_api.schema.arguments import argument
from medsearch_api.schema.limits import MAX_SIZE, check_query, check_range
from medsearch_core.errors import InvalidQuery, NotIndexed
from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import MAX_DEPTH, MAX_HITS, MAX_PAGE, NO_FILTERS, Filters
from medsearch_core.search.similar_images import Exclude, similar_to
from medsearch_core.search.similar_reports import MAX_SIMILAR_REPORTS, filters_for_similar
from medsearch_core.search.tokens import words_of

HITS = 20
"""How many reports `searchReports` returns."""

BUCKETS = 10
"""Default number of values and of `listReports`' reports, as in Elasticsearch."""

MAX_REPORTS = 1000
"""Maximum number of report IDs in an argument."""

Result = TypeVar("Result")


Words = Annotated[str | None, argument("Words to search for, as plain text; without words the result is empty.")]
ReportIds = Annotated[str | None, argument(f"A JSON array of at most {MAX_REPORTS} ReportIds, as a string.")]
OneReportId = Annotated[str | None, argument("A ReportId.")]
Size = Annotated[int | None, argument(f"How many values to return, 1 to {MAX_SIZE}.")]


def _buckets_field(kind: type[Bucket], resolver: Callable[..., Any], of: str) -> Any:
    """Create a field that returns buckets of one kind."""
    what = kind.field_name.replace("_", " ").replace("icd10cms", "ICD-10-CM descriptions")
    buckets: Any = list[kind | None] | None  # type: ignore[valid-type]
    return strawberry.field(
        resolver=resolver, graphql_type=buckets, description=f"The most frequent {what} of {of}, by count, then value."
    )


def _for_all(kind: type[Bucket]) -> Any:
    async def resolve(info: Info, size: Size = BUCKETS):  # type: ignore[no-untyped-def]
        return await _count(info, kind, NO_FILTERS, size)

    return _buckets_field(kind, resolve, "all reports")


def _for_words(kind: type[Bucket]) -> Any:
    async def resolve(info: Info, input: Words = UNSET, size: Size = BUCKETS):  # type: ignore[no-untyped-def]
        return await _count(info, kind, NO_FILTERS, size, input) if _has_words(input) else []

    return _buckets_field(kind, resolve, "the reports that contain any of the words")


def _for_reports(kind: type[Bucket]) -> Any:
    async def resolve(info: Info, input: ReportIds = UNSET, size: Size = BUCKETS):  # type: ignore[no-untyped-def]
        return await _count_in_reports(info, kind, parse_report_ids(input), size)

    return _buckets_field(kind, resolve, "these reports")


def _for_similar(kind: type[Bucket]) -> Any:
    async def resolve(info: Info, input: OneReportId = UNSET, size: Size = BUCKETS):  # type: ignore[no-untyped-def]
        like = await asyncio.to_thread(_filters_for_similar, info.context.index, input) if input else None
        return await _count(info, kind, like, size) if like else []

    return _buckets_field(
        kind, resolve, f"the {MAX_SIMILAR_REPORTS} reports most similar to one by Findings and Impression, without itself"
    )


@strawberry.type(name="Query")
class AppSyncQuery:
    @strawberry.field(description="One image; null if it is not indexed.")
    async def getImage(self, info: Info, ImageId: Annotated[str | None, argument("An ImageId.")] = UNSET) -> Image | None:
        document = await info.context.loaders.images.load(ImageId) if ImageId else None
        return Image(document=document) if document else None

    @strawberry.field(description="The images of a report's study, by image ID.")
    async def getImages(self, info: Info, ReportId: OneReportId = UNSET) -> list[Image | None] | None:
        report = await info.context.loaders.reports.load(ReportId) if ReportId else None
        return await Report(document=report).Images(info) if report else []

    @strawberry.field(description="One report; null if it is not indexed.")
    async def getReport(self, info: Info, ReportId: OneReportId = UNSET) -> Report | None:
        document = await info.context.loaders.reports.load(ReportId) if ReportId else None
        return Report(document=document) if document else None

    @strawberry.field(description="A page of all reports, by ReportId.")
    async def listReports(
        self,
        info: Info,
        from_: Annotated[int | None, argument("How many reports to skip; 0 if omitted.", "from")] = UNSET,
        size: Annotated[int | None, argument(f"How many reports to return, 0 to {MAX_PAGE}; {BUCKETS} if omitted.")] = UNSET,
    ) -> list[Report | None] | None:
        limit = BUCKETS if size in (None, UNSET) else size
        offset = from_ or 0
        check_range("size", limit, 0, MAX_PAGE)
        check_range("from", offset, 0, MAX_DEPTH - limit)
        page = await asyncio.to_thread(info.context.index.text, "", (), NO_FILTERS, offset, limit)
        return [Report(document=hit.document) for hit in page.hits]

    @strawberry.field(description=f"The {HITS} best reports that contain any of the words in Findings or Impression, by BM25.")
    async def searchReports(self, info: Info, input: Words = UNSET) -> list[Report | None] | None:
        if not input or not _has_words(input):
            return []
        page = await asyncio.to_thread(info.context.index.text, input, (), NO_FILTERS, 0, HITS)
        return [Report(document=hit.document) for hit in page.hits]

    @strawberry.field(description="The images most similar to an indexed image, nearest first, including the image itself.")
    async def getSimilarImages(
        self,
        info: Info,
        ImageId: Annotated[str | None, argument("An ImageId.")] = UNSET,
        k: Annotated[int | None, argument(f"How many images to return, 1 to {MAX_HITS}; {BUCKETS} if omitted.")] = UNSET,
    ) -> list[Image | None] | None:
        limit = BUCKETS if k in (None, UNSET) else k
        check_range("k", limit, 1, MAX_HITS)
        if not ImageId:
            return []
        hits = await asyncio.to_thread(similar_to, info.context.index, ImageId, limit, NO_FILTERS, 0, Exclude.NOTHING)
        return [Image(document=hit.document) for hit in hits]

    getAllPositiveICD10CMs = _for_all(PositiveICD10CMs)
    getAllNegativeICD10CMs = _for_all(NegativeICD10CMs)
    getPositiveICD10CMs = _for_words(PositiveICD10CMs)
    getNegativeICD10CMs = _for_words(NegativeICD10CMs)
    getPositiveICD10CMsbyReports = _for_reports(PositiveICD10CMs)
    getNegativeICD10CMsbyReports = _for_reports(NegativeICD10CMs)
    getPositiveSignsbyReports = _for_reports(PositiveSigns)
    getNegativeSignsbyReports = _for_reports(NegativeSigns)
    getPositiveDiagnosesbyReports = _for_reports(PositiveDiagnoses)
    getNegativeDiagnosesbyReports = _for_reports(NegativeDiagnoses)
    getPositiveSymptomsbyReports = _for_reports(PositiveSymptoms)
    getNegativeSymptomsbyReports = _for_reports(NegativeSymptoms)
    getPositiveICD10CMsbySimilarReport = _for_similar(PositiveICD10CMs)
    getNegativeICD10CMsbySimilarReport = _for_similar(NegativeICD10CMs)


def parse_report_ids(text: str | None) -> list[str]:
    """Parse a JSON array of report IDs. Nulls, the ReportId of images without a report, are skipped.

    Raises:
        InvalidQuery: the text is not such an array, or has more than `MAX_REPORTS` IDs.
    """
    if not text:
        return []
    try:
        ids = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidQuery("input must be a JSON array of ReportIds, as a string") from error
    if not isinstance(ids, list) or not all(i is None or isinstance(i, str) for i in ids):
        raise InvalidQuery("input must be a JSON array of ReportIds, as a string")
    if len(ids) > MAX_REPORTS:
        raise InvalidQuery(f"input may have at most {MAX_REPORTS} ReportIds")
    return [i for i in ids if i is not None]


def _has_words(text: str | None) -> bool:
    """Whether the text contains a word. A text without words matches every report in the index, but none in the sample."""
    check_query(text or "")
    return bool(words_of(text or ""))


async def _count(info: Info, kind: type[Bucket], filters: Filters, size: int | None, query: str | None = "") -> list[Bucket]:
    limit = BUCKETS if size is None else size
    check_range("size", limit, 1, MAX_SIZE)
    counts = await asyncio.to_thread(info.context.index.facets, kind.field_name, filters, limit, query or "")
    return [kind.of(count) for count in counts]


async def _count_in_reports(info: Info, kind: type[Bucket], reports: list[str], size: int | None) -> list[Bucket]:
    """Count within these reports only. No reports means no values, although an empty filter matches every report."""
    return await _count(info, kind, Filters(reports=reports), size) if reports else []


def _filters_for_similar(index: SearchIndex, report_id: str) -> Filters | None:
    try:
        return filters_for_similar(index, report_id)
    except NotIndexed:
        return None
