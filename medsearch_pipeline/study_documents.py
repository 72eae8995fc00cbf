"""One study's index documents, read from its Parquet."""

from __future__ import annotations

from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import EmbeddingRecord, ImageRecord, ReportRecord
from medsearch_core.search.documents import INDEX_SCHEMA_VERSION, StudyDocuments, study_documents
from medsearch_core.storage.warehouse import Warehouse, study_path

TABLES = ("dicom_metadata", "embeddings", "reports")


def documents_of(warehouse: Warehouse, study: StudyKey) -> StudyDocuments:
    """Everything the index holds of a study.

    Raises:
        StorageError: one of its tables has not been materialised. An unfinished study is not an empty one.
    """
    digests = {table: warehouse.inputs(study_path(table, study)) for table in TABLES}
    missing = [table for table, digest in digests.items() if digest is None]
    if missing:
        raise StorageError(f"{study} has no {' and no '.join(missing)} yet: materialise those first")
    return study_documents(
        study,
        images=warehouse.read_rows(ImageRecord, study_path("dicom_metadata", study)),
        embeddings=warehouse.read_rows(EmbeddingRecord, study_path("embeddings", study)),
        reports=warehouse.read_rows(ReportRecord, study_path("reports", study)),
        inputs=digest_of(str(INDEX_SCHEMA_VERSION), *(digest or "" for digest in digests.values())),
    )
