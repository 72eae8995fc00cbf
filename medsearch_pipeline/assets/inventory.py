"""`inventory`: the landed objects, and the partitions of their studies."""

from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.records import EXCLUSIONS, LandedObject, Rejection
from medsearch_pipeline.assets.study_asset import (
    GROUP,
    MAX_ROWS_SHOWN,
    asset_spec_arguments,
    every_object_was_used,
    fresh_within,
)
from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.intake.compaction import REJECTIONS_PATH, compact_journal, placement_digest, scan_full_store
from medsearch_pipeline.intake.inventory import studies_in
from medsearch_pipeline.intake.pseudonyms import pseudonym_secret
from medsearch_pipeline.intake.unchanged_content import inputs_by_kind
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.orchestration.data_versions import LANDED
from medsearch_pipeline.orchestration.partition_spans import remove_malformed
from medsearch_pipeline.orchestration.partitions import NAME, Partitions, register
from medsearch_pipeline.resources import StoreResource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import Layout

CHECK, UNIQUE_CHECK = "every_object_has_a_study", "study_ids_are_unique"


class InventoryConfig(dg.Config):
    """Options when launching an inventory."""

    confirm_removal: bool = False


def build_inventory(settings: Settings) -> dg.AssetsDefinition:
    """The `inventory` asset of a deployment."""
    layout = Layout.of(settings.layout)

    @dg.asset(
        group_name=GROUP,
        freshness_policy=fresh_within(settings.inventory_fresh_hours),
        kinds={"python", "parquet"},
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset="inventory", description="Every landed object belongs to a study."),
            dg.AssetCheckSpec(UNIQUE_CHECK, asset="inventory", description="No study id is shared by two patients."),
        ],
        code_version="2",
        pool="inventory",
        op_tags=whole_step_tags(settings),
        **asset_spec_arguments(LandedObject),
    )
    def inventory(
        context: dg.AssetExecutionContext, config: InventoryConfig, landing: StoreResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult:
        """One row per landed object: its study, or the reason it has none. Registers a partition for every study.

        Differences are journaled, so that changes are ingested; then the journal is compacted into the table.
        """
        tables, began = warehouse.tables(context.run.run_id), datetime.now(UTC)
        secret = pseudonym_secret(tables.store, settings.pseudonym_key)
        recorded = scan_full_store(
            landing.open(),
            tables,
            layout,
            secret,
            inputs_by_kind(settings),
            began,
            is_removal_confirmed=config.confirm_removal,
        )
        rows = compact_journal(tables, placement_digest(layout, secret), datetime.now(UTC)).rows
        studies = studies_in(rows)
        held = context.instance.get_dynamic_partitions(NAME)
        new = register(context.instance, studies, held)
        malformed = Partitions.of(held).malformed
        if malformed:
            removed, left = remove_malformed(context.instance)
            context.log.warning(
                f"partitions that name no study, removed: {', '.join(removed) or 'none'}; left to runs and backfills: "
                f"{', '.join(left) or 'none'}"
            )
        context.log.info(f"inventory: {counted(len(rows), 'object')}, {counted(len(studies), 'study')}, {len(new)} of them new")
        rejections = tables.read_rows(Rejection, REJECTIONS_PATH)
        kinds = {each["values"]: each["counts"] for each in pc.value_counts(rows["kind"]).to_pylist()}
        return dg.MaterializeResult(
            data_version=LANDED,
            metadata={
                "objects": len(rows),
                "bytes": pc.sum(rows["bytes"]).as_py() or 0,
                "dicom_objects": kinds.get("dicom", 0),
                "reports": kinds.get("report", 0),
                "rejected": sum(each.reason not in EXCLUSIONS for each in rejections),
                "excluded": sum(each.reason in EXCLUSIONS for each in rejections),
                "added": recorded.added,
                "replaced": recorded.replaced,
                "removed": recorded.removed,
                "retagged": recorded.retagged,
                "studies": len(studies),
                "patients": len({s.patient for s in studies}),
                "new_studies": len(new),
                "studies_no_longer_landed": len(set(held).difference(malformed) - {s.partition for s in studies}),
                "malformed_partitions": list(malformed),
                "dagster/row_count": len(rows),
            },
            check_results=[every_object_was_used("inventory", CHECK, rejections), _ids_are_unique(rows)],
        )

    return inventory


def _ids_are_unique(rows: pa.Table) -> dg.AssetCheckResult:
    shared = studies_in(rows.filter(rows["is_study_shared"]))
    return dg.AssetCheckResult(
        asset_key="inventory",
        check_name=UNIQUE_CHECK,
        passed=not shared,
        severity=dg.AssetCheckSeverity.WARN,
        description="every study id belongs to one patient"
        if not shared
        else f"{len(shared)} studies share their id with another patient, so their report ids include the patient. Correct the "
        "layout, or the files with the wrong patient",
        metadata={"studies": len(shared), "shared": dg.MetadataValue.json([s.partition for s in shared[:MAX_ROWS_SHOWN]])},
    )
