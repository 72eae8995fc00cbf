"""`search_index`: the studies' documents in the index. Made from Parquet alone, so it can always be made again."""

import time

import dagster as dg

from medsearch_core.errors import DocumentsRefused
from medsearch_core.search.documents import INDEX_SCHEMA_VERSION, StudyDocuments
from medsearch_core.search.index import SearchIndex
from medsearch_pipeline.partitions import study_partitions
from medsearch_pipeline.resources import SearchIndexSource, WarehouseResource
from medsearch_pipeline.retries import Retries
from medsearch_pipeline.study_documents import digests_of, documents_of
from medsearch_pipeline.study_run import OWNERS, Progress, describe_partitions, studies_of, totals
from medsearch_pipeline.study_versions import StudyVersion


def build_search_index(policy: dg.BackfillPolicy, retries: Retries) -> dg.AssetsDefinition:
    """The `search_index` asset of a deployment."""

    @dg.asset(
        deps=["dicom_metadata", "embeddings", "report_entities"],
        group_name="search",
        kinds={"python"},
        owners=OWNERS,
        partitions_def=study_partitions,
        backfill_policy=policy,
        pool="index",
        code_version=str(INDEX_SCHEMA_VERSION),
    )
    @retries.step
    def search_index(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, search_index: dg.ResourceParam[SearchIndexSource]
    ) -> dg.MaterializeResult:
        """One document per embedded image and one per report, replaced study by study.

        Documents the index refuses fail the run by name, after all other studies were written.
        """
        tables, index, studies = warehouse.tables(context.run.run_id), search_index.open(), studies_of(context)
        progress = Progress(context, "search_index", len(studies))
        documents, versions = [], {}
        for study in studies:
            digests = digests_of(tables, study)
            documents.append(documents_of(tables, study, digests))
            versions[study] = StudyVersion(
                documents[-1].inputs,
                {
                    "dicom_metadata": digests["dicom_metadata"],
                    "embeddings": digests["embeddings"],
                    "report_entities": digests["reports"],
                },
            )
            progress.advance()
        started = time.perf_counter()
        written = _write(index, documents)
        seconds = time.perf_counter() - started
        described = {d.study: {"images": len(d.images), "reports": len(d.reports)} for d in documents}
        describe_partitions(context, "search_index", described, versions)
        health = index.health()
        return dg.MaterializeResult(
            metadata={
                **totals(described),
                "run_studies_written": written,
                "upsert_seconds": round(seconds, 3),
                "index_images_per_second": round(sum(len(d.images) for d in documents) / seconds, 2) if written else 0.0,
                "index_images": health.images,
                "index_reports": health.reports,
                "index_studies": health.studies,
            }
        )

    return search_index


def _write(index: SearchIndex, documents: list[StudyDocuments]) -> int:
    try:
        written = index.upsert(documents)
    except DocumentsRefused:
        index.compact()
        raise
    if written:
        index.compact()
    return written
