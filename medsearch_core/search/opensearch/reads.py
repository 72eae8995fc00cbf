"""Searching and reading: one OpenSearch request per query.

Belongs here: sending requests, and converting responses to documents, hits and counts. Not here: building queries (`queries`).
An index that does not exist yet returns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opensearchpy import OpenSearch

from medsearch_core.errors import IndexMismatch
from medsearch_core.keys import StudyKey
from medsearch_core.search.documents import ImageDocument, ReportDocument
from medsearch_core.search.model import Model
from medsearch_core.search.opensearch.client import RequestRefused, failing_as
from medsearch_core.search.opensearch.filters import Clause, image_clauses, one_of, report_clauses
from medsearch_core.search.opensearch.options import IndexLayout, SpaceType
from medsearch_core.search.opensearch.queries import (
    EXACT_SPACE,
    VECTOR,
    approximate_knn,
    cosine_of,
    exact_knn,
    text_query,
    values_of,
)
from medsearch_core.search.opensearch.sources import Kind, document_of
from medsearch_core.search.query import MAX_DEPTH, NO_FILTERS, Filters, TextField
from medsearch_core.search.results import Counts, FacetCount, ImageHit, ImagePage, IndexHealth, ReportHit, ReportPage
from medsearch_core.search.tokens import query_terms
from medsearch_core.search.unit_vectors import normalized
from medsearch_core.search.validation import check_facet, check_hits, check_page, checked_fields, checked_vector

PAGE = MAX_DEPTH
OVERSAMPLE = 3
"""How many times k compressed vectors are rescored in full precision."""

LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


@dataclass(frozen=True)
class IndexNames:
    """The indexes to search: the aliases, or one release's indexes."""

    images: str
    reports: str

    def of(self, kind: Kind) -> str:
        """The index or alias of a kind of document."""
        return self.images if kind == "images" else self.reports


class Reads:
    """The reading half of `SearchIndex`."""

    def __init__(self, client: OpenSearch, places: IndexNames, layout: IndexLayout) -> None:
        self.client = client
        self.places = places
        self.layout = layout

    def images(self, image_ids: Sequence[str]) -> Sequence[ImageDocument | None]:
        found = {d.image_id: d for d in reversed(self._images_where([one_of("image_id", image_ids)]))}
        return [found.get(i) for i in image_ids]

    def vectors(self, image_ids: Sequence[str]) -> Sequence[Sequence[float] | None]:
        where = [one_of("image_id", image_ids)]
        hits = [hit["_source"] for hit in reversed(self.all("images", where, source=["image_id", VECTOR]))]
        model = None if all(VECTOR in hit for hit in hits) else self.model()  # some spaces reject zero vectors
        zero = [0.0] * (model.dimensions if model else 0)
        found = {hit["image_id"]: normalized(hit.get(VECTOR, zero)).tolist() for hit in hits}
        return [found.get(i) for i in image_ids]

    def reports(self, report_ids: Sequence[str]) -> Sequence[ReportDocument | None]:
        hits = self.all("reports", [one_of("report_id", report_ids)])
        found = {h["_source"]["report_id"]: document_of(ReportDocument, h["_source"]) for h in reversed(hits)}
        return [found.get(i) for i in report_ids]

    def images_of_reports(self, report_ids: Sequence[str], filters: Filters = NO_FILTERS) -> Sequence[Sequence[ImageDocument]]:
        where = [one_of("report_id", report_ids), *image_clauses(filters)]
        of: dict[str | None, list[ImageDocument]] = {i: [] for i in report_ids}
        for image in self._images_where(where):
            of[image.report_id].append(image)
        return [sorted(of[i], key=lambda d: d.image_id) for i in report_ids]

    def list_images(self, filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20) -> ImagePage:
        check_page(offset, limit)
        body = {
            "query": {"bool": {"filter": image_clauses(filters)}},
            "from": offset,
            "size": limit,
            "sort": [{"study_key": "asc"}, {"image_id": "asc"}],
            "_source": {"excludes": [VECTOR]},
            "track_total_hits": True,
        }
        found = self._search("images", body)["hits"]
        return ImagePage([document_of(ImageDocument, h["_source"]) for h in found["hits"]], found["total"]["value"])

    def similar(
        self, vector: Sequence[float], k: int, filters: Filters = NO_FILTERS, offset: int = 0, exact: bool = False
    ) -> Sequence[ImageHit]:
        check_hits(k, offset)
        asked, where, depth = normalized(checked_vector(vector)), image_clauses(filters), offset + k
        try:
            hits = [] if exact else self._by_graph(asked, where, depth)
            if len(hits) < depth:  # exact search was requested, or the graph returned fewer than k
                hits = self._nearest(exact_knn(asked, where), depth, EXACT_SPACE)
        except RequestRefused as error:
            raise self._mismatch(len(asked)) or error from None
        return sorted(hits, key=lambda h: (-h.score, h.document.image_id))[offset:depth]

    def text(
        self, query: str, fields: Sequence[TextField] = (), filters: Filters = NO_FILTERS, offset: int = 0, limit: int = 20
    ) -> ReportPage:
        check_page(offset, limit)
        words = query_terms(query)
        body = {
            "query": text_query(words, checked_fields(fields), report_clauses(filters)),
            "from": offset,
            "size": limit,
            "sort": [*([{"_score": "desc"}] if words else []), {"report_id": "asc"}, {"study_key": "asc"}],
            "track_total_hits": True,
        }
        found = self._search("reports", body, search_type="dfs_query_then_fetch")["hits"]
        return ReportPage(
            [
                ReportHit(document_of(ReportDocument, h["_source"]), round(h["_score"], 5) if words else 0.0)
                for h in found["hits"]
            ],
            found["total"]["value"],
        )

    def facets(self, field_name: str, filters: Filters = NO_FILTERS, size: int = 10, query: str = "") -> Sequence[FacetCount]:
        check_facet(field_name, size)
        body = {
            "query": text_query(query_terms(query), checked_fields(()), report_clauses(filters)),
            "size": 0,
            "aggs": {"values": values_of(field_name, size)},
        }
        counted = self._search("reports", body).get("aggregations", {"values": {"buckets": ()}})["values"]["buckets"]
        return [FacetCount(bucket.get("key_as_string", bucket["key"]), bucket["doc_count"]) for bucket in counted]

    def count(self, filters: Filters = NO_FILTERS) -> Counts:
        return Counts(self._count("images", image_clauses(filters)), self._count("reports", report_clauses(filters)))

    def studies(self) -> Mapping[StudyKey, str]:
        where = [{"term": {"stands_for_study": True}}]
        found: dict[StudyKey, str] = {}
        for kind in ("images", "reports"):
            for hit in self.all(kind, where, source=["study_key", "inputs"]):
                found[StudyKey.parse(hit["_source"]["study_key"])] = hit["_source"]["inputs"]
        return found

    def health(self) -> IndexHealth:
        stands = [{"term": {"stands_for_study": True}}]
        counts = self.count()
        studies = self._count("images", stands) + self._count("reports", stands)
        model = self.model() if counts.images else None
        with failing_as("read"):
            cluster = self.client.cluster.health()
        return IndexHealth(
            images=counts.images,
            reports=counts.reports,
            studies=studies,
            model_id=model.model_id if model else None,
            model_version=model.model_version if model else None,
            dimensions=model.dimensions if model else None,
            release=self._release(),
            details={"cluster": str(cluster["cluster_name"]), "status": str(cluster["status"])},
        )

    def _by_graph(self, vector: Any, where: list[Clause], depth: int) -> list[ImageHit]:
        if self.layout.compression == "none":
            return self._nearest(approximate_knn(vector, where, depth, self.layout), depth, self.layout.space_type)
        wider = min(OVERSAMPLE * depth, MAX_DEPTH)
        body = {
            "query": approximate_knn(vector, where, wider, self.layout),
            "size": wider,
            "_source": False,
            "track_total_hits": False,
        }
        near = [hit["_id"] for hit in self._search("images", body)["hits"]["hits"]]
        return self._nearest(exact_knn(vector, [{"ids": {"values": near}}]), depth, EXACT_SPACE)

    def _nearest(self, query: Clause, depth: int, space_type: SpaceType) -> list[ImageHit]:
        sort = [{"_score": "desc"}, {"image_id": "asc"}, {"study_key": "asc"}]
        body = {"query": query, "size": depth, "sort": sort, "_source": {"excludes": [VECTOR]}, "track_total_hits": False}
        found = self._search("images", body)["hits"]["hits"]
        return [ImageHit(document_of(ImageDocument, h["_source"]), cosine_of(h["_score"], space_type)) for h in found]

    def _mismatch(self, dimensions: int) -> IndexMismatch | None:
        """The error for a query vector whose length differs from the index's."""
        model = self.model()
        if model is None or model.dimensions == dimensions:
            return None
        return IndexMismatch(f"the query vector has {dimensions} dimensions, the index's {model.dimensions}")

    def _images_where(self, where: list[Clause]) -> list[ImageDocument]:
        return [document_of(ImageDocument, h["_source"]) for h in self.all("images", where)]

    def all(self, kind: Kind, where: list[Clause], source: list[str] | None = None) -> list[dict[str, Any]]:
        """Every matching document, by study and id, all from one point in time."""
        body: dict[str, Any] = {
            "query": {"bool": {"filter": where}},
            "size": PAGE,
            "sort": [{"study_key": "asc"}, {f"{kind[:-1]}_id": "asc"}],
            "_source": source or {"excludes": [VECTOR]},
            "track_total_hits": False,
        }
        hits: list[dict[str, Any]] = self._search(kind, body)["hits"]["hits"]
        return hits if len(hits) < PAGE else self._all_pages(kind, body)

    def _all_pages(self, kind: Kind, body: dict[str, Any]) -> list[dict[str, Any]]:
        hits: list[dict[str, Any]] = []
        with failing_as("read"):
            moment = self.client.create_pit(index=self.places.of(kind), params={"keep_alive": "2m"})["pit_id"]
            try:
                while True:
                    page = body | {"pit": {"id": moment, "keep_alive": "2m"}}
                    if hits:
                        page["search_after"] = hits[-1]["sort"]
                    found = self.client.search(body=page)["hits"]["hits"]
                    hits += found
                    if len(found) < PAGE:
                        return hits
            finally:
                self.client.delete_pit(body={"pit_id": [moment]})

    def _count(self, kind: Kind, where: list[Clause]) -> int:
        body = {"query": {"bool": {"filter": where}}, "size": 0, "track_total_hits": True}
        count: int = self._search(kind, body)["hits"]["total"]["value"]
        return count

    def _search(self, kind: Kind, body: dict[str, Any], **params: str) -> Any:
        with failing_as("read"):
            return self.client.search(index=self.places.of(kind), body=body, params=LENIENT | params)

    def model(self) -> Model | None:
        """The model that the image index is for, even if it is empty."""
        return next((model_in(meta) for meta in self._meta("images")), None)

    def _release(self) -> str | None:
        return next((meta["release"] for meta in self._meta("reports")), None)

    def _meta(self, kind: Kind) -> list[Any]:
        with failing_as("read"):
            found = self.client.indices.get_mapping(index=self.places.of(kind), params=LENIENT | {"ignore": 404})
        return [] if "error" in found else [index["mappings"]["_meta"] for index in found.values()]


def model_in(meta: Mapping[str, Any]) -> Model:
    """The model named in an image index's `_meta`."""
    return Model(meta["model_id"], meta["model_version"], meta["dimensions"])
