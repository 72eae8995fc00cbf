"""The studies of the warehouse, and a study's index documents, read from its Parquet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import EmbeddingRecord, ImageRecord, ReportRecord, TagRecord
from medsearch_core.search.documents import StudyDocuments, study_documents
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.model import Model
from medsearch_core.storage.warehouse import Origin, Warehouse, study_path
from medsearch_pipeline.studies.embeddings import vector_inputs_digest

TABLES = ("dicom_metadata", "embeddings", "reports")

Versions = Mapping[str, str]
"""Table → the store's tag of the study's file."""


class StudyIncomplete(StorageError):
    """A study's tables are incomplete, unreadable or inconsistent. The message names the study and what to do."""


def list_studies(warehouse: Warehouse) -> dict[StudyKey, Versions]:
    """Every study with one of the `TABLES`, and the versions of its files, from a listing of the store alone."""
    found: dict[StudyKey, dict[str, str]] = defaultdict(dict)
    for table in (*TABLES, "tags"):
        for entry in warehouse.store.list(table):
            study = study_from_path(entry.key.removeprefix(f"{table}/"))
            if study:
                found[study][table] = entry.etag
    return {study: versions for study, versions in found.items() if versions.keys() & set(TABLES)}


def read_documents(warehouse: Warehouse, study: StudyKey, origins: Mapping[str, Origin] | None = None) -> StudyDocuments:
    """The index documents of a study.

    Args:
        origins: those of its tables, if already read (`read_origins`).

    Raises:
        StudyIncomplete: one of its tables has not been materialized, its embeddings are outdated, or a vector is not finite,
            which no index accepts. An incomplete study is never treated as empty.
        StorageError: the store cannot be read.
    """
    origins = read_origins(warehouse, study) if origins is None else origins
    try:
        tags = read_tags(warehouse, study)
        images = warehouse.read_rows(ImageRecord, study_path("dicom_metadata", study))
        embeddings = warehouse.read_rows(EmbeddingRecord, study_path("embeddings", study))
        reports = warehouse.read_rows(ReportRecord, study_path("reports", study))
    except pa.ArrowException as error:
        raise _unreadable(study) from error
    if {e.image_id for e in embeddings} != {i.image_id for i in images} or not _is_current(origins, embeddings):
        raise StudyIncomplete(f"{study} has outdated embeddings: materialize embeddings")
    if not all(np.isfinite(e.vector).all() for e in embeddings):
        raise StudyIncomplete(f"{study} has a vector that is not finite: delete its file of embeddings and materialize it")
    return study_documents(study, images, embeddings, reports, _inputs(origins, tags), tags)


def documents_digest(warehouse: Warehouse, study: StudyKey) -> str:
    """The `inputs` of a study's documents, from footers and tags alone; raises like `read_documents`."""
    origins = read_origins(warehouse, study)
    try:
        return _inputs(origins, read_tags(warehouse, study))
    except pa.ArrowException as error:
        raise _unreadable(study) from error


def document_inputs_digest(digests: Mapping[str, str], tags: str) -> str:
    """The `inputs` of a study's documents, from the digests (`Origin.digest`) of its `TABLES` and tags; without tags that
    digest is empty."""
    return digest_of(str(INDEX_SCHEMA_VERSION), *(digests[table] for table in TABLES), tags)


def read_image_ids(warehouse: Warehouse, study: StudyKey) -> list[str]:
    """The ids of the images in a study's documents, without reading rows; raises like `read_documents`."""
    try:
        ids: list[str] = warehouse.read(study_path("embeddings", study))["image_id"].to_pylist()
    except pa.ArrowException as error:
        raise _unreadable(study) from error
    return ids


def read_tags(warehouse: Warehouse, study: StudyKey) -> list[str]:
    """The tags that people gave a study."""
    return [row.tag for row in warehouse.read_rows(TagRecord, study_path("tags", study))]


def read_models(warehouse: Warehouse, study: StudyKey) -> set[Model]:
    """The models of a study's embeddings: one, or none without images or with an unreadable file."""
    try:
        table = warehouse.read(study_path("embeddings", study))
    except pa.ArrowException:
        return set()
    lengths = pc.list_value_length(table["vector"]).to_pylist()
    return {Model(*of) for of in zip(table["model_id"].to_pylist(), table["model_version"].to_pylist(), lengths, strict=True)}


def study_from_path(path: str) -> StudyKey | None:
    """The study of a table's file, by its path below the table; None if it does not belong to a study."""
    try:
        return StudyKey.parse(path.removesuffix(".parquet")) if path.endswith(".parquet") else None
    except ValueError:
        return None


def read_origins(warehouse: Warehouse, study: StudyKey) -> dict[str, Origin]:
    """What a study's `TABLES` were made from, from footers alone; raises `StudyIncomplete` if one is missing."""
    found = {table: warehouse.origin(study_path(table, study)) for table in TABLES}
    missing = [table for table, origin in found.items() if origin is None]
    if missing:
        raise StudyIncomplete(f"{study} has no {' and no '.join(missing)} yet: materialize those first")
    return {table: origin for table, origin in found.items() if origin}


def _inputs(origins: Mapping[str, Origin], tags: list[str]) -> str:
    digests = {table: origin.digest for table, origin in origins.items()}
    return document_inputs_digest(digests, digest_of(*tags) if tags else "")


def _is_current(origins: Mapping[str, Origin], embeddings: list[EmbeddingRecord]) -> bool:
    """Whether vectors were made from the current images; `dicom_metadata` and `thumbnails` come from one decode."""
    models = {(e.model_id, e.model_version) for e in embeddings}
    images, vectors = origins["dicom_metadata"].inputs, origins["embeddings"].inputs
    return all(vector_inputs_digest(*model, images) == vectors for model in models)


def _unreadable(study: StudyKey) -> StudyIncomplete:
    return StudyIncomplete(f"a file of {study} cannot be read: delete it and materialize the study")
