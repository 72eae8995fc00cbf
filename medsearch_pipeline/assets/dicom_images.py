"""`dicom_metadata` and `thumbnails`: two tables from one decode."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from medsearch_core.columns import FIRST_VERSION, version_of
from medsearch_core.dicom.version import PIXEL_VERSION
from medsearch_core.keys import StudyKey
from medsearch_core.records import TABLES, ImageRecord, Rejection, ThumbnailRecord
from medsearch_core.storage.warehouse import Origin, Warehouse, rejections_path, study_path
from medsearch_pipeline.assets.study_asset import (
    GROUP,
    Progress,
    asset_spec_arguments,
    begin_first_step,
    describe_partitions,
    every_object_was_used,
    partitions_of,
    totals,
)
from medsearch_pipeline.checks.pictures import SAMPLE, faults_of_pictures
from medsearch_pipeline.checks.results import no_study_is_at_fault
from medsearch_pipeline.ecs.step_tags import study_step_tags
from medsearch_pipeline.intake.inventory import objects_of
from medsearch_pipeline.orchestration.data_versions import StudyVersion
from medsearch_pipeline.orchestration.partitions import study_partitions
from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.resources import StoreResource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.dicom_objects import STAGE, DicomObjectProcessor
from medsearch_pipeline.studies.images import StudyImageBuilder
from medsearch_pipeline.workers.decoding import decoding_workers

CHECK, PICTURES = "every_dicom_object_was_used", "thumbnails_match_files"
REMEDY = "delete their files from the table thumbnails and materialize them"


def build_dicom_images(settings: Settings, policy: dg.BackfillPolicy, retries: Retries) -> dg.AssetsDefinition:
    """The `dicom_metadata` and `thumbnails` assets of a deployment."""
    identity = ("checked" if settings.check_identity else "unchecked") + ("" if settings.require_uids else "-without-uids")
    rules = f"{PIXEL_VERSION}-{settings.thumbnail_side}px-{settings.max_pixels}-{identity}"

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                "dicom_metadata",
                deps=["inventory"],
                description="One row per image (a decodable frame of a SOP instance): identity, study, series, acquisition "
                "and geometry attributes, and the SHA-256 of its source.",
                group_name=GROUP,
                kinds={"python", "parquet"},
                code_version=_code_version(rules, ImageRecord),
                **asset_spec_arguments(ImageRecord),
            ),
            dg.AssetSpec(
                "thumbnails",
                deps=["inventory"],
                description="One row and one PNG per image: modality LUT, VOI LUT and photometric interpretation applied, "
                "aspect ratio kept.",
                group_name=GROUP,
                kinds={"python", "parquet"},
                code_version=_code_version(rules, ThumbnailRecord),
                **asset_spec_arguments(ThumbnailRecord, longest_side_px=settings.thumbnail_side),
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset="dicom_metadata", description="No DICOM object was rejected."),
            dg.AssetCheckSpec(
                PICTURES,
                asset="thumbnails",
                description=f"Every PNG exists with the recorded size; the contents of {SAMPLE} per run match their SHA-256.",
            ),
        ],
        partitions_def=study_partitions,
        backfill_policy=policy,
        pool="decode",
        op_tags=study_step_tags(settings),
        name="dicom_images",
    )
    @retries.step
    def dicom_images(
        context: dg.AssetExecutionContext, landing: StoreResource, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult]:
        begin_first_step(context, settings)
        tables = warehouse.tables(context.run.run_id)
        reader = StudyImageBuilder(
            DicomObjectProcessor(
                landing.open(),
                tables.store,
                settings.thumbnail_side,
                settings.max_pixels,
                settings.check_identity,
                settings.decoder == "nvimgcodec",
                settings.require_uids,
            ),
            tables,
        )
        partitions = partitions_of(context)
        (objects,) = objects_of(tables, partitions.studies, "dicom")
        images: dict[StudyKey, dict[str, Any]] = {}
        pictures: dict[StudyKey, dict[str, Any]] = {}
        shown: dict[StudyKey, list[ThumbnailRecord]] = {}
        refused: list[Rejection] = []
        started = time.perf_counter()
        due = {study: landed for study, landed in objects.items() if not reader.is_current(study, landed)}
        progress, workers = Progress(context, "dicom_images", len(due)), decoding_workers(settings)
        old = [study for study, landed in due.items() if reader.has_old_metadata(study, landed)]
        refreshed = set(old) - set(reader.refresh_metadata(old, workers, progress.advance))
        reader.build({study: landed for study, landed in due.items() if study not in refreshed}, workers, progress.advance)
        for study, landed in objects.items():
            rows, pngs, rejections = _outcome(tables, study)
            images[study] = {
                "images": len(rows),
                "bytes": sum(o.bytes for o in landed),
                "rejected": len(rejections),
                "unchanged": int(study not in due),
                "refreshed": int(study in refreshed),
            }
            pictures[study] = {
                "images": len(pngs),
                "bytes": sum(p.bytes for p in pngs),
                "unchanged": int(study not in due or study in refreshed),
            }
            if pngs:
                first = next((p for p, i in zip(pngs, rows, strict=True) if i.is_representative), pngs[0])
                pictures[study]["preview"] = dg.MetadataValue.md(f"![{study}]({settings.api_url}/{first.path})")
            shown[study] = pngs
            refused += rejections
        for table, described in (("dicom_metadata", images), ("thumbnails", pictures)):
            version = version_of(TABLES[table])
            versions = {s: StudyVersion(Origin(reader.inputs(landed), version).digest) for s, landed in objects.items()}
            describe_partitions(context, table, described, versions, partitions.malformed)
        yield dg.MaterializeResult(
            asset_key="dicom_metadata",
            metadata={
                **totals(images, partitions.malformed),
                "images_per_second": round(_built(images) / (time.perf_counter() - started), 2),
            },
            check_results=[every_object_was_used("dicom_metadata", CHECK, refused)],
        )
        faults = faults_of_pictures(tables.store, shown, seed=context.run.run_id)
        yield dg.MaterializeResult(
            asset_key="thumbnails",
            metadata=totals(pictures, partitions.malformed),
            check_results=[no_study_is_at_fault("thumbnails", PICTURES, faults, REMEDY)],
        )

    return dicom_images


def _code_version(rules: str, record: type) -> str:
    version = version_of(record)
    return rules if version == FIRST_VERSION else f"{rules}-v{version}"


def _built(described: dict[StudyKey, dict[str, Any]]) -> int:
    return sum(d["images"] for d in described.values() if not d["unchanged"])


def _outcome(tables: Warehouse, study: StudyKey) -> tuple[list[ImageRecord], list[ThumbnailRecord], list[Rejection]]:
    return (
        tables.read_rows(ImageRecord, study_path("dicom_metadata", study)),
        tables.read_rows(ThumbnailRecord, study_path("thumbnails", study)),
        tables.read_rows(Rejection, rejections_path(STAGE, study)),
    )
