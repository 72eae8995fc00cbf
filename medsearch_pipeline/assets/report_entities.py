"""`report_entities`: findings in each report and how certain they are. Writes the `reports` table as well."""

import dagster as dg

from medsearch_core.columns import version_of
from medsearch_core.records import EntityRecord, Rejection, ReportRecord
from medsearch_core.storage.warehouse import Origin, rejections_path, study_path
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
from medsearch_pipeline.ecs.step_tags import study_step_tags
from medsearch_pipeline.intake.inventory import objects_of
from medsearch_pipeline.orchestration.data_versions import StudyVersion
from medsearch_pipeline.orchestration.partitions import study_partitions
from medsearch_pipeline.orchestration.retries import Retries
from medsearch_pipeline.report_readers.reader import reader_version
from medsearch_pipeline.resources import ReportReaderSource, StoreResource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.reports import STAGE, StudyReportBuilder

CHECK = "every_report_was_used"


def build_report_entities(settings: Settings, policy: dg.BackfillPolicy, retries: Retries) -> dg.AssetsDefinition:
    """The `report_entities` asset of a deployment."""

    @dg.asset(
        deps=["inventory"],
        group_name=GROUP,
        kinds={"python", "parquet"},
        check_specs=[dg.AssetCheckSpec(CHECK, asset="report_entities", description="No report was rejected.")],
        partitions_def=study_partitions,
        backfill_policy=policy,
        pool="reports",
        op_tags=study_step_tags(settings),
        code_version=reader_version(settings),
        **asset_spec_arguments(EntityRecord),
    )
    @retries.step
    def report_entities(
        context: dg.AssetExecutionContext,
        landing: StoreResource,
        warehouse: WarehouseResource,
        report_reader: dg.ResourceParam[ReportReaderSource],
    ) -> dg.MaterializeResult:
        """One row per mention of a finding, sign, symptom, diagnosis or device: offsets, section, assertion and cue,
        ICD-10-CM.

        The `reports` table gets one row per report: its sections, its eight lists and its codes.
        """
        begin_first_step(context, settings)
        tables = warehouse.tables(context.run.run_id)
        mentions = report_reader.open()
        reader = StudyReportBuilder(landing.open(), tables, mentions)
        partitions = partitions_of(context)
        objects, images = objects_of(tables, partitions.studies, "report", "dicom")
        progress = Progress(context, "report_entities", len(objects))
        described, refused = {}, []
        for study, landed in objects.items():
            unchanged = reader.is_current(study, landed)
            if not unchanged:
                reader.build(study, landed, next((item.key for item in images[study]), None))
            rejections = tables.read_rows(Rejection, rejections_path(STAGE, study))
            reports = tables.read_rows(ReportRecord, study_path("reports", study))
            described[study] = {
                "reports": len(reports),
                "entities": tables.row_count(study_path("report_entities", study)),
                "bytes": sum(o.bytes for o in landed),
                "rejected": len(rejections),
                "not_read": sum(report.not_read is not None for report in reports),
                "unchanged": int(unchanged),
            }
            refused += rejections
            progress.advance()
        version = version_of(ReportRecord)  # of the table that documents are built from
        versions = {study: StudyVersion(Origin(reader.inputs(landed), version).digest) for study, landed in objects.items()}
        describe_partitions(context, "report_entities", described, versions, partitions.malformed)
        return dg.MaterializeResult(
            metadata={
                **totals(described, partitions.malformed),
                **{f"run_{name}": count for name, count in mentions.usage.items()},
            },
            check_results=[every_object_was_used("report_entities", CHECK, refused)],
        )

    return report_entities
