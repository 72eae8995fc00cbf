"""`SearchIndex`: what every search index can do.

Implementations give the same answers for the same calls; one test suite runs on all of them. What can be put together from
these calls is written once, beside them: `similar_images`, `hybrid`, `similar_reports`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments
from medsearch_core.search.query import NO_FILTERS, Filters, TextField
from medsearch_core.search.results import Counts, FacetCount, ImageHit, ImagePage, IndexHealth, ReportPage


class SearchIndex(Protocol):
    """Searches images by likeness and reports by words.

    Every read sees each study whole: as it was before an upsert or after it. Documents come back without their vectors.
    """

    def upsert(self, studies: Sequence[StudyDocuments]) -> int:
        """Replaces these studies, each in one step; returns how many had changed and were written.

        A study whose `inputs` are those it was last written with is skipped; empty `inputs` are never the same. Of a study
        given twice the last counts.

        Raises:
            IndexMismatch: a vector is of another model, version or length than the index holds or than its neighbours, or is
                not finite. Nothing is written.
            DocumentsRefused: the index took all but some studies, which are as they were before.
        """

    def delete(self, studies: Sequence[StudyKey]) -> None:
        """Removes all documents of these studies; a study that is not there is no error."""

    def compact(self) -> None:
        """Brings what was written into its fastest form. Answers stay, but for BM25, which may forget what was replaced."""

    def studies(self) -> Mapping[StudyKey, str]:
        """Every study held, and the `inputs` it was written with."""

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        """The images in the order asked; None for each that is not indexed."""

    def vectors(self, image_ids: Sequence[str]) -> Sequence[Sequence[float] | None]:
        """The images' directions, float32 of length 1 (or all zero), in the order asked; None where not indexed."""

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        """The reports in the order asked; None for each that is not indexed."""

    def images_of_reports(self, report_ids: Sequence[str], filters: Filters = NO_FILTERS) -> Sequence[Sequence[ImageDocument]]:
        """For each report those of its images that match, by image id."""

    def list_images(self, filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20) -> ImagePage:
        """The images that match, by study and image id; `total` is exact.

        Raises:
            InvalidQuery: the offset is negative, the limit not 0 to 1000, or offset + limit above 10,000.
        """

    def similar(
        self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS, offset: int = 0, exact: bool = False
    ) -> Sequence[ImageHit]:
        """The k images most alike after the first `offset`, nearest first, ties by image id.

        There are k of them whenever offset + k images match the filters. The score is the cosine rounded to six decimals,
        and so are the ties. An all-zero vector in the index scores 0.

        Args:
            exact: compare every vector that matches, where an index would otherwise follow a graph of neighbours.

        Raises:
            IndexMismatch: the vector has another length than the index's.
            InvalidQuery: k is not 1 to 500, offset + k above 10,000, or the vector is zero or not finite.
        """

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        """Reports holding any of the words, by BM25; all reports by id when the query holds no word.

        The query is only text: quotes, operators and braces have no meaning. Words are compared as `words` tells them, by
        their English stem; a query of nothing but stop words holds no word, and a word given twice counts once.
        No fields means Findings and Impression; `total` is exact. BM25 (k1 1.2, b 0.75) may count reports that were replaced or
        deleted until the index merges them away; in a finished release there are none.

        Raises:
            InvalidQuery: the offset is negative, the limit not 0 to 1000, offset + limit above 10,000, or there are more than
                256 different words.
        """

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        """The most frequent values of a list or keyword field of the reports that match, by count, then value.

        A report counts once for a value. `query` is read as by `text` over Findings and Impression.

        Raises:
            InvalidQuery: the field is not one of `FACET_FIELDS`, or size is not 1 to 1000.
        """

    def count(self, filters: Filters = NO_FILTERS) -> Counts:
        """How many images and reports match."""

    def health(self) -> IndexHealth:
        """What is held, and which model's vectors."""
