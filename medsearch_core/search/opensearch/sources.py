"""Documents as OpenSearch stores them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, TypeVar

from medsearch_core.search.documents import ImageDocument, ReportDocument, StudyDocuments, fields_of
from medsearch_core.search.unit_vectors import normalized

Kind = Literal["images", "reports"]
Document = TypeVar("Document", ImageDocument, ReportDocument)


@dataclass(frozen=True)
class Source:
    """One document to write: its index, its `_id`, the study as routing value, and its fields."""

    kind: Kind
    id: str
    study: str
    fields: dict[str, Any]


def sources_of(study: StudyDocuments, space_type: str) -> list[Source]:
    """A study's documents; the last represents the study. Of two documents with the same id the last is kept."""
    found: dict[str, Source] = {}
    for image in study.images:
        source = _source("images", image.image_id, study, image)
        vector = normalized(image.vector)
        if vector.any() or space_type == "innerproduct":  # the other spaces reject zero vectors
            source.fields["vector"] = vector
        found[source.id] = source
    for report in study.reports:
        source = _source("reports", report.report_id, study, report)
        found[source.id] = source
    documents = list(found.values())
    for document in documents:
        document.fields["stands_for_study"] = document is documents[-1]
    return documents


def document_of(kind: type[Document], source: Mapping[str, Any]) -> Document:
    """The document in a stored source, without the vector. Lists become tuples, missing facets are empty."""
    held = [f.name for f in fields(kind) if f.name != "vector" and (f.name in source or f.default is MISSING)]
    return kind(**{name: _value(source.get(name)) for name in held})


def _source(kind: Kind, id_: str, study: StudyDocuments, document: ImageDocument | ReportDocument) -> Source:
    name = study.study.partition
    held = fields_of(document) | {"study_key": name, "inputs": study.inputs}
    return Source(kind, f"{name}/{kind[:-1]}/{id_}", name, held)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
