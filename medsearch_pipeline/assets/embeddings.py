"""`embeddings`: one vector per image."""

import dagster as dg

from medsearch_core.records import EmbeddingRecord
from medsearch_core.storage.warehouse import Origin, study_path
from medsearch_pipeline.assets.study_asset import (
    GROUP,
    Progress,
    asset_spec_arguments,
    describe_partitions,
    note_settings,
    partitions_of,
    totals,
)
from medsearch_pipeline.checks.results import no_study_is_at_fault
from medsearch_pipeline.checks.vectors import faults_of_embeddings
from medsearch_pipeline.ecs.step_tags import gpu_step_tags
from medsearch_pipeline.models.code_version import code_version_of, record_model
from medsearch_pipeline.orchestration.data_versions import StudyVersion
from medsearch_pipeline.orchestration.partitions import study_partitions
from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.resources import EmbedderSource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.embeddings import StudyEmbedder
from medsearch_pipeline.workers.decoding import decoding_workers

PAIRED, COMPARABLE = "every_image_has_one_embedding", "embeddings_are_valid"
REMEDY = "delete their files from embeddings and materialize them"
REMEDY_OF_PICTURES = f"{REMEDY}; if the log names a damaged PNG, delete their files from thumbnails first"
REMEDY_OF_VECTORS = f"{REMEDY}; if the log names non-finite vectors, the model produced them"


def build_embeddings(settings: Settings, policy: dg.BackfillPolicy, retries: Retries) -> dg.AssetsDefinition:
    """The `embeddings` asset of a deployment."""
    code_version = code_version_of(settings.model, settings.weights)

    @dg.asset(
        deps=["thumbnails"],
        group_name=GROUP,
        kinds={"python", "parquet"},
        check_specs=[
            dg.AssetCheckSpec(PAIRED, asset="embeddings", description="Every image of a study has exactly one vector."),
            dg.AssetCheckSpec(
                COMPARABLE, asset="embeddings", description="Vectors are finite, of the model's length and not all zero."
            ),
        ],
        partitions_def=study_partitions,
        backfill_policy=policy,
        pool="gpu",
        op_tags=gpu_step_tags(settings),
        code_version=code_version,
        **asset_spec_arguments(EmbeddingRecord),
    )
    @retries.step
    def embeddings(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, embedder: dg.ResourceParam[EmbedderSource]
    ) -> dg.MaterializeResult:
        """One row per image: the embedding of its thumbnail, with the model's id and version."""
        note_settings(context, settings)
        tables, model, partitions = warehouse.tables(context.run.run_id), embedder.load(), partitions_of(context)
        studies = partitions.studies
        named = f"{model.model_id}, version {model.model_version}, {model.dimensions} dimensions"
        context.log.info(f"embeddings: {named}, by {model.engine}")
        record_model(tables, code_version, model)
        builder = StudyEmbedder(tables, model)
        missing = [study for study in studies if builder.inputs(study) is None]
        if missing:
            raise dg.Failure(f"{len(missing)} studies, {missing[0]} among them, have no thumbnails: materialize those first")
        stale = dict.fromkeys(study for study in studies if not builder.is_current(study))
        builder.build(stale, decoding_workers(settings), Progress(context, "embeddings", len(stale)).advance)
        for study, images in builder.damaged.items():
            context.log.warning(f"{study}: no vector of {', '.join(f'{image} ({why})' for image, why in images.items())}")
        for study, unlike in builder.not_finite.items():
            context.log.warning(f"{study}: the model's vector is not finite, and zero is kept, of {', '.join(unlike)}")
        vectors = {study: tables.size_and_origin(study_path("embeddings", study)) for study in studies}
        thumbnails = {study: tables.origin(study_path("thumbnails", study)) for study in studies}
        described = {
            study: {
                "images": vectors[study][0],
                "unchanged": int(study not in stale),
                "model_id": model.model_id,
                "model_version": model.model_version,
            }
            for study in studies
        }
        versions = {
            study: StudyVersion(_digest(vectors[study][1]), {"thumbnails": _digest(thumbnails[study])}) for study in studies
        }
        describe_partitions(context, "embeddings", described, versions, partitions.malformed)
        unpaired, incomparable = faults_of_embeddings(tables, studies, model.dimensions)
        timings = builder.timings
        return dg.MaterializeResult(
            metadata={
                **totals(described, partitions.malformed),
                "engine": model.engine,
                **(model.measurements.as_metadata() if model.measurements else {}),
                "images_per_second": round(timings.images_per_second(), 2),
                "preprocess_seconds": round(timings.preprocess_seconds, 3),
                "inference_seconds": round(timings.inference_seconds, 3),
                "postprocess_seconds": round(timings.postprocess_seconds, 3),
            },
            check_results=[
                no_study_is_at_fault("embeddings", PAIRED, unpaired, REMEDY_OF_PICTURES),
                no_study_is_at_fault("embeddings", COMPARABLE, incomparable, REMEDY_OF_VECTORS),
            ],
        )

    return embeddings


def _digest(origin: Origin | None) -> str:
    return origin.digest if origin else ""
