"""`catalogue`: every study's files in one table, so that a query need not open hundreds of thousands of files."""

import dagster as dg

from medsearch_core.records import CatalogFile
from medsearch_core.storage.warehouse import CATALOG_PATH
from medsearch_pipeline.assets.study_asset import GROUP, asset_spec_arguments
from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.ledger.catalog import VERSION, catalog_digest, refresh_catalog
from medsearch_pipeline.resources import WarehouseResource
from medsearch_pipeline.settings import Settings


def build_catalog(settings: Settings) -> dg.AssetsDefinition:
    """The `catalogue` asset of a deployment."""

    @dg.asset(
        deps=["dicom_metadata", "thumbnails", "embeddings", "report_entities"],
        group_name=GROUP,
        kinds={"python", "parquet"},
        code_version=VERSION,
        op_tags=whole_step_tags(settings),
        **asset_spec_arguments(CatalogFile),
    )
    def catalogue(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        """One row per file of a study's tables: its tag, digest, run, and outcomes of landed objects.

        Lists the warehouse and reads only new and changed files. Written as one object, and only if it differs.
        """
        tables = warehouse.tables(context.run.run_id)
        done = refresh_catalog(
            tables, lambda read, due: context.log.info(f"catalogue: {read} of {due} new or changed files read")
        )
        if done.is_changed or tables.inputs(CATALOG_PATH) != catalog_digest():
            tables.write(CATALOG_PATH, done.table, catalog_digest())
        return dg.MaterializeResult(
            metadata={
                "files_read": done.files_read,
                "files_kept": done.files_reused,
                "files_gone": done.files_removed,
                "dagster/row_count": done.table.num_rows,
            }
        )

    return catalogue
