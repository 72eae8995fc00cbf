"""`SearchIndex`: the protocol of every search index.

Implementations return the same results for the same calls; one test suite runs on all of them. What can be composed of these
calls is written once, on top of them: `similar_images`, `hybrid`, `similar_reports`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.query import NO_FILTERS, Filters, TextField
from medsearch_core.search.results import Counts, FacetCount, ImageHit, ImagePage, IndexHealth, ReportPage


class SearchIndex(Protocol):
    """Searches images by similarity and reports by text.

    Every read sees each study either before or after an upsert, never in between. Documents are returned without vectors.
    """

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        """Replaces these studies, each atomically; returns how many had changed and were written.

        A study whose `inputs` are those it was last written with is skipped; empty `inputs` never match. Of a study given
        twice the last is written.

        Raises:
            IndexMismatch: a vector differs in model, version or length from those of the index or of this call, or is not
                finite. Nothing is written.
            DocumentsRefused: the index rejected documents of some studies, which are unchanged; all others are written.
        """

    def delete(self, studies: Sequence[StudyKey]) -> None:
        """Removes all documents of these studies; a missing study is not an error."""

    def compact(self) -> None:
        """Optimizes the index for searching. Results stay the same, except that BM25 may stop counting replaced documents."""

    def studies(self) -> Mapping[StudyKey, str]:
        """Every stored study, and the `inputs` it was written with."""

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        """The images in the order of the ids; None for each that is not indexed."""

    def vectors(self, image_ids: Sequence[str]) -> Sequence[Sequence[float] | None]:
        """The images' unit vectors, float32 (or all zero), in the order of the ids; None for each that is not indexed."""

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        """The reports in the order of the ids; None for each that is not indexed."""

    def images_of_reports(self, report_ids: Sequence[str], filters: Filters = NO_FILTERS) -> Sequence[Sequence[ImageDocument]]:
        """For each report its matching images, by image id."""

    def list_images(self, filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20) -> ImagePage:
        """The matching images, by study and image id; `total` is exact.

        Raises:
            InvalidQuery: the offset is negative, the limit not 0 to 1000, or offset + limit above 10,000.
        """

    def similar(
        self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS, offset: int = 0, exact: bool = False
    ) -> Sequence[ImageHit]:
        """The k most similar images after the first `offset`, nearest first, ties by image id.

        There are k of them whenever offset + k images match the filters. The score is the cosine rounded to six decimals;
        equal rounded scores are ties. An all-zero vector in the index scores 0.

        Args:
            exact: compare every matching vector, even if the index would otherwise follow an approximate graph.

        Raises:
            IndexMismatch: the vector has another length than the index's.
            InvalidQuery: k is not 1 to 500, offset + k above 10,000, or the vector is zero or not finite.
        """

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        """Reports that contain any of the words, by BM25; all reports by id if the query has no words.

        The query is plain text: quotes, operators and braces have no meaning. Words are compared by their English stem
        (`tokens`); a query of only stop words has no words, and a repeated word counts once. No fields means Findings and
        Impression; `total` is exact. BM25 (k1 1.2, b 0.75) may count replaced or deleted reports until the index merges
        them away; a finished release has none.

        Raises:
            InvalidQuery: the offset is negative, the limit not 0 to 1000, offset + limit above 10,000, or there are more than
                256 different words.
        """

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        """The most frequent values of a list or keyword field of the matching reports, by count, then value.

        A report counts once per value. `query` works as in `text` over Findings and Impression.

        Raises:
            InvalidQuery: the field is not one of `FACET_FIELDS`, or size is not 1 to 1000.
        """

    def count(self, filters: Filters = NO_FILTERS) -> Counts:
        """How many images and reports match."""

    def health(self) -> IndexHealth:
        """The number of documents, and the model of the vectors."""
