"""Which studies are stale and why: their tables do not match the landed objects and the current rules, or their documents are
not in the index.

Belongs here: pure rules over tables in memory, as in `ledger.states`, and the smallest job for each study. Not here: reading
them and requesting runs (`planning`). Only the first cause in a chain is named: changed images imply changed vectors and
documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

from medsearch_core.keys import StudyKey
from medsearch_core.search.releases import is_of_older_schema
from medsearch_core.storage.sql import query_tables
from medsearch_pipeline.jobs import smallest_job
from medsearch_pipeline.ledger.catalog import IMAGE_REJECTIONS, REPORT_REJECTIONS
from medsearch_pipeline.ledger.states import OUTCOMES, InputsDigest, expected_digests, indexed_table, studies_in
from medsearch_pipeline.models.code_version import ModelVersion

Part = Literal["images", "metadata", "vectors", "reports", "documents"]
PARTS: tuple[Part, ...] = ("images", "metadata", "vectors", "reports", "documents")
REMADE: Mapping[Part, tuple[str, ...]] = {
    "images": ("dicom_metadata", "thumbnails", "embeddings", "search_index"),
    "metadata": ("dicom_metadata", "search_index"),
    "vectors": ("embeddings", "search_index"),
    "reports": ("report_entities", "search_index"),
    "documents": ("search_index",),
}
"""Stale part → the assets that refresh it."""

NEVER_INGESTED, CHANGED, MISSING, OTHER_RULES = (
    "never ingested",
    "landed objects changed",
    "file missing or damaged",
    "other reader or setting",
)
OLDER = "of an older version"
OTHER_MODEL, VECTORS_OUTDATED = "other model", "behind its images"
NEVER_MADE = "never made"
MISSING_FROM_INDEX, OUTDATED, INDEX_MODEL = "not in the index", "index behind", "index of another model"
INDEX_SCHEMA = "index of an older schema"
REASONS: Mapping[Part, tuple[str, ...]] = {
    "images": (NEVER_INGESTED, CHANGED, MISSING, OTHER_RULES, OLDER),
    "metadata": (OLDER,),
    "vectors": (NEVER_MADE, MISSING, OTHER_MODEL, VECTORS_OUTDATED, OLDER),
    "reports": (NEVER_INGESTED, CHANGED, MISSING, OTHER_RULES, OLDER),
    "documents": (MISSING_FROM_INDEX, OUTDATED, MISSING, INDEX_MODEL, INDEX_SCHEMA),
}
NOT_REPAIRABLE = {("documents", MISSING), ("documents", INDEX_MODEL), ("documents", INDEX_SCHEMA)}
"""Reasons that no job over studies fixes: a table or tags that contradict their digest, an index that needs a new release."""

_FILES = f"""
    SELECT patient, study,
           bool_or(table_name IN ('dicom_metadata', 'thumbnails', '{IMAGE_REJECTIONS}')) AS has_image_files,
           bool_or(table_name = 'embeddings') AS has_vector_file,
           bool_or(table_name IN ('reports', 'report_entities', '{REPORT_REJECTIONS}')) AS has_report_files
    FROM catalogue GROUP BY patient, study
"""  # noqa: S608

_CHANGED = f"""
    WITH made AS (
        SELECT DISTINCT patient, study, key, sha256, reason,
               CASE WHEN table_name IN ('dicom_metadata', '{IMAGE_REJECTIONS}') THEN 'dicom' ELSE 'report' END AS kind
        FROM ({OUTCOMES})
    ), landed AS (SELECT patient, study, key, kind FROM inventory WHERE kind IN ('dicom', 'report')),
    moved AS (
        SELECT patient, study, kind FROM landed ANTI JOIN made USING (patient, study, key, kind)
        UNION SELECT patient, study, kind FROM made ANTI JOIN landed USING (patient, study, key, kind)
    ), replaced AS (
        SELECT made.patient, made.study, made.kind FROM made
        JOIN ledger ON ledger.key = made.key AND ledger.state = 'superseded'
                   AND ledger.sha256 IS NOT DISTINCT FROM made.sha256
    )
    SELECT patient, study, bool_or(kind = 'dicom') AS images_changed, bool_or(kind = 'report') AS reports_changed
    FROM (SELECT * FROM moved UNION SELECT * FROM replaced) GROUP BY patient, study
"""  # noqa: S608


def _part(part: str, inputs: str, never: str) -> str:
    """The reason why images or reports are stale; null if they are not."""
    return f"""
        CASE WHEN held.{inputs} = coalesce(due_{part}.inputs, $no_{part})
                  THEN CASE WHEN held.has_old_{part} THEN '{OLDER}' END
             WHEN NOT coalesce({never}, false) THEN '{NEVER_INGESTED}'
             WHEN held.{inputs} IS NULL THEN '{MISSING}'
             WHEN coalesce({part}_changed, false) THEN '{CHANGED}'
             ELSE '{OTHER_RULES}' END AS {part}
    """


_STALE = f"""
    WITH files AS ({_FILES}), changed AS ({_CHANGED}),
    due_images AS (SELECT patient, study, inputs FROM due WHERE kind = 'dicom'),
    due_reports AS (SELECT patient, study, inputs FROM due WHERE kind = 'report'),
    known AS (SELECT patient, study FROM due UNION SELECT patient, study FROM files),
    judged AS (
        SELECT known.patient, known.study,
               {_part("images", "images_inputs", "has_image_files")},
               {_part("reports", "reports_inputs", "has_report_files")},
               held.has_old_metadata, held.has_old_vectors,
               held.vectors_inputs, coalesce(has_vector_file, false) AS has_vector_file,
               vectors_due.inputs AS wanted_vectors, vectors_due.is_of_another_model,
               held.documents AS held_documents, indexed.inputs AS indexed_documents, held.images AS image_count,
               coalesce(held.images + held.reports, 0) > 0 AS has_documents
        FROM known
        LEFT JOIN files USING (patient, study)
        LEFT JOIN changed USING (patient, study)
        LEFT JOIN due_images ON (due_images.patient, due_images.study) = (known.patient, known.study)
        LEFT JOIN due_reports ON (due_reports.patient, due_reports.study) = (known.patient, known.study)
        LEFT JOIN studies held ON (held.patient, held.study) = (known.patient, known.study)
        LEFT JOIN indexed ON (indexed.patient, indexed.study) = (known.patient, known.study)
        LEFT JOIN vectors_due ON (vectors_due.patient, vectors_due.study) = (known.patient, known.study)
    ), embedded AS (
        SELECT *, CASE WHEN images IS NULL AND has_old_metadata THEN '{OLDER}' END AS metadata,
                  CASE WHEN images IS NOT NULL THEN NULL
                       WHEN vectors_inputs IS NULL AND NOT has_vector_file AND indexed_documents IS NULL THEN '{NEVER_MADE}'
                       WHEN vectors_inputs IS NULL THEN '{MISSING}'
                       WHEN vectors_inputs = wanted_vectors THEN CASE WHEN has_old_vectors THEN '{OLDER}' END
                       WHEN wanted_vectors IS NULL OR is_of_another_model THEN '{OTHER_MODEL}'
                       ELSE '{VECTORS_OUTDATED}' END AS vectors
        FROM judged
    )
    SELECT patient, study, images, metadata, vectors, reports,
           CASE WHEN coalesce(images, metadata, vectors, reports) IS NOT NULL THEN NULL
                WHEN held_documents IS NULL THEN '{MISSING}'
                WHEN held_documents = indexed_documents THEN NULL
                WHEN NOT has_documents AND indexed_documents IS NULL THEN NULL
                WHEN $is_index_of_older_schema THEN '{INDEX_SCHEMA}'
                WHEN $is_index_of_another_model AND image_count > 0 THEN '{INDEX_MODEL}'
                WHEN indexed_documents IS NULL THEN '{MISSING_FROM_INDEX}'
                ELSE '{OUTDATED}' END AS documents
    FROM embedded ORDER BY patient, study
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class StalenessInputs:
    """The inputs of the decision.

    Args:
        inventory: the landed objects.
        catalog: of the studies' files.
        ledger: the last one, for replaced versions; may be empty.
        indexed: study → the digest its documents were indexed with.
        index_model: the model of the index's images; None without images.
        index_release: the current release; None before the first.
        model: the configured model; None if it has not yet embedded for this warehouse, so that its version is unknown.
        models: every model that has embedded for this warehouse.
    """

    inventory: pa.Table
    catalog: pa.Table
    ledger: pa.Table
    indexed: Mapping[StudyKey, str]
    index_model: ModelVersion | None
    index_release: str | None
    model: ModelVersion | None
    models: Collection[ModelVersion]

    @property
    def is_index_of_another_model(self) -> bool:
        """Whether the index rejects the current model's vectors until a release is built for it."""
        return self.index_model is not None and self.index_model != self.model

    @property
    def is_index_of_older_schema(self) -> bool:
        """Whether the index rejects all documents until a release is built with the current schema."""
        return self.index_release is not None and is_of_older_schema(self.index_release)

    @property
    def index_refusal(self) -> str | None:
        """Why the index rejects documents of newly embedded studies, and what to do; None if it accepts them."""
        if self.is_index_of_older_schema:
            return "the index has an earlier schema: run medsearch reindex"
        if self.is_index_of_another_model:
            return "the index holds another model's vectors: when all studies are embedded, run medsearch reindex"
        return None


@dataclass(frozen=True)
class StaleStudy:
    """A study whose derived data is out of date: each stale part with its reason, and the smallest job that refreshes it."""

    study: StudyKey
    reasons: Mapping[Part, str]

    @property
    def job(self) -> str | None:
        """The smallest job that refreshes all of it; None if there is none."""
        if set(self.reasons.items()) & NOT_REPAIRABLE:
            return None
        return smallest_job({asset for part in self.reasons for asset in REMADE[part]})


@dataclass(frozen=True)
class Staleness:
    """Stale and current studies.

    Args:
        stale: sorted.
        current: all others.
    """

    stale: Sequence[StaleStudy]
    current: Collection[StudyKey]

    @cached_property
    def by_reason(self) -> Mapping[tuple[Part, str], int]:
        """Part and reason → number of studies, in the order of `REASONS`."""
        counts = Counter(item for each in self.stale for item in each.reasons.items())
        return {(part, why): counts[part, why] for part in PARTS for why in REASONS[part] if counts[part, why]}

    @cached_property
    def by_reason_and_job(self) -> Mapping[tuple[Part, str, str | None], int]:
        """Part, reason and smallest job → number of studies."""
        return Counter((*item, each.job) for each in self.stale for item in each.reasons.items())


def determine_staleness(
    inputs: StalenessInputs,
    image_inputs_digest: InputsDigest,
    report_inputs_digest: InputsDigest,
    vector_inputs_digest: Callable[[str, str, str], str],
) -> Staleness:
    """Which studies are stale and why.

    Args:
        image_inputs_digest: versions of landed objects → the digest of images made from them.
        report_inputs_digest: likewise for reports.
        vector_inputs_digest: model_id, model_version and the digest of thumbnails → the digest of their vectors.
    """
    studies = studies_in(inputs.catalog)
    found = query_tables(
        _STALE,
        {
            "no_images": image_inputs_digest([]),
            "no_reports": report_inputs_digest([]),
            "is_index_of_another_model": inputs.is_index_of_another_model,
            "is_index_of_older_schema": inputs.is_index_of_older_schema,
        },
        inventory=inputs.inventory,
        catalogue=inputs.catalog,
        ledger=inputs.ledger,
        studies=studies,
        indexed=indexed_table(inputs.indexed),
        due=expected_digests(inputs.inventory, {"dicom": image_inputs_digest, "report": report_inputs_digest}),
        vectors_due=_expected_vectors(inputs, studies, vector_inputs_digest),
    )
    stale, current = [], set()
    for row in found.to_pylist():
        study = StudyKey(row["patient"], row["study"])
        reasons: dict[Part, str] = {part: row[part] for part in PARTS if row[part]}
        if reasons:
            stale.append(StaleStudy(study, reasons))
        else:
            current.add(study)
    return Staleness(stale, current)


def _expected_vectors(
    inputs: StalenessInputs, studies: pa.Table, vector_inputs_digest: Callable[[str, str, str], str]
) -> pa.Table:
    """Patient, study, the expected digest of its vectors, and whether its vectors are known to be of another model."""
    others = [model for model in inputs.models if model != inputs.model]
    digests: list[str | None] = []
    is_other = []
    for thumbnails, held in zip(studies["images_inputs"].to_pylist(), studies["vectors_inputs"].to_pylist(), strict=True):
        expected = vector_inputs_digest(*inputs.model, thumbnails) if inputs.model and thumbnails else None
        digests.append(expected)
        is_other.append(
            bool(thumbnails) and held != expected and any(vector_inputs_digest(*model, thumbnails) == held for model in others)
        )
    columns = [studies["patient"], studies["study"], pa.array(digests, pa.string()), pa.array(is_other, pa.bool_())]
    return pa.table(columns, names=["patient", "study", "inputs", "is_of_another_model"])
