"""`search_index`: the studies' documents in the index. Built from Parquet alone, so it can always be rebuilt."""

import time
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from medsearch_core.errors import DocumentsRefused
from medsearch_core.search.documents import StudyDocuments
from medsearch_core.search.facets import INDEX_SCHEMA_VERSION
from medsearch_core.search.index import SearchIndex
from medsearch_core.storage.warehouse import Origin
from medsearch_pipeline.assets.study_asset import (
    GROUP,
    OWNERS,
    Progress,
    describe_partitions,
    note_settings,
    partitions_of,
    totals,
)
from medsearch_pipeline.checks.results import no_study_is_at_fault
from medsearch_pipeline.checks.sampling import sample
from medsearch_pipeline.checks.vectors import SAMPLE, faults_of_indexed_vectors
from medsearch_pipeline.ecs.step_tags import study_step_tags
from medsearch_pipeline.orchestration.data_versions import CODE_VERSION_TAG, StudyVersion, tags_of
from medsearch_pipeline.orchestration.partitions import study_partitions
from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.resources import SearchIndexSource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.documents import StudyIncomplete, read_documents, read_origins

VECTORS_MATCH = "indexed_vectors_match_embeddings"
REMEDY = "run medsearch reindex --fresh"
CODE_VERSION = str(INDEX_SCHEMA_VERSION)


class StudiesIncomplete(StudyIncomplete):
    """Some studies of a run cannot be indexed; all others are. The message names the first one and what to do."""

    def __init__(self, faults: Sequence[StudyIncomplete]) -> None:
        more = f" ({len(faults) - 1} more studies of this run cannot be indexed)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}; all other studies are indexed")


def build_search_index(settings: Settings, policy: dg.BackfillPolicy, retries: Retries) -> dg.AssetsDefinition:
    """The `search_index` asset of a deployment."""

    @dg.asset(
        deps=["dicom_metadata", "embeddings", "report_entities"],
        group_name=GROUP,
        kinds={"python"},
        owners=OWNERS,
        check_specs=[
            dg.AssetCheckSpec(
                VECTORS_MATCH,
                asset="search_index",
                description=f"The index holds the unit vectors of {SAMPLE} sampled images of the run.",
            )
        ],
        partitions_def=study_partitions,
        backfill_policy=policy,
        pool="index",
        op_tags=study_step_tags(settings),
        code_version=CODE_VERSION,
    )
    @retries.step
    def search_index(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, search_index: dg.ResourceParam[SearchIndexSource]
    ) -> Iterator[dg.AssetMaterialization | dg.MaterializeResult]:
        """One document per embedded image and one per report, replaced study by study.

        Documents that the index rejects and studies with incomplete tables fail the run after all other studies are written;
        the error names them. If studies are only incomplete, the others are materialized.
        """
        note_settings(context, settings)
        tables, index, partitions = warehouse.tables(context.run.run_id), search_index.open(), partitions_of(context)
        studies = partitions.studies
        progress = Progress(context, "search_index", len(studies))
        documents, versions, unfinished = [], {}, []
        for study in studies:
            try:
                origins = read_origins(tables, study)
                documents.append(read_documents(tables, study, origins))
                versions[study] = _version(documents[-1], origins)
            except StudyIncomplete as fault:
                unfinished.append(fault)
            progress.advance()
        started = time.perf_counter()
        written = _write(index, documents)
        seconds = time.perf_counter() - started
        described = {d.study: {"images": len(d.images), "reports": len(d.reports)} for d in documents}
        if unfinished:
            for study, metadata in described.items():
                tags = {**tags_of(versions[study]), CODE_VERSION_TAG: CODE_VERSION}
                yield dg.AssetMaterialization("search_index", partition=study.partition, metadata=metadata, tags=tags)
            raise StudiesIncomplete(unfinished)
        describe_partitions(context, "search_index", described, versions, partitions.malformed)
        images = sample([image for study in documents for image in study.images], SAMPLE, context.run.run_id)
        faults = faults_of_indexed_vectors(images, index.vectors([image.image_id for image in images]))
        health = index.health()
        yield dg.MaterializeResult(
            metadata={
                **totals(described, partitions.malformed),
                "run_studies_written": written,
                "upsert_seconds": round(seconds, 3),
                "index_images_per_second": round(sum(len(d.images) for d in documents) / seconds, 2) if written else 0.0,
                "index_images": health.images,
                "index_reports": health.reports,
                "index_studies": health.studies,
            },
            check_results=[no_study_is_at_fault("search_index", VECTORS_MATCH, faults, REMEDY, compared=len(images))],
        )

    return search_index


def _version(documents: StudyDocuments, origins: Mapping[str, Origin]) -> StudyVersion:
    upstream = {"dicom_metadata": "dicom_metadata", "embeddings": "embeddings", "report_entities": "reports"}
    return StudyVersion(documents.inputs, {asset: origins[table].digest for asset, table in upstream.items()})


def _write(index: SearchIndex, documents: list[StudyDocuments]) -> int:
    try:
        written = index.upsert(documents)
    except DocumentsRefused:
        index.compact()
        raise
    if written:
        index.compact()
    return written
