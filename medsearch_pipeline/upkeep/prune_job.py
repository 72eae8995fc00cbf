"""`prune_job`: one op that removes the remaining data of removed studies. `pruning` decides which."""

import dagster as dg
from pydantic import Field

from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.jobs import job_named
from medsearch_pipeline.resources import SearchIndexSource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.upkeep.pruning import prune

SHOWN = 50


class PruneConfig(dg.Config):
    """Options of a prune."""

    dry_run: bool = Field(False, description="only report what would be removed")


def build_prune_job(settings: Settings) -> dg.JobDefinition:
    """`prune_job`: one op, which may be run at any time."""

    @dg.op(name="prune", tags=whole_step_tags(settings))
    def prune_studies(
        context: dg.OpExecutionContext,
        config: PruneConfig,
        warehouse: WarehouseResource,
        search_index: dg.ResourceParam[SearchIndexSource],
    ) -> None:
        """Removes documents, files and partitions of studies with no landed object."""
        done = prune(Warehouse(warehouse.open()), search_index.open(), context.instance, is_dry=config.dry_run)
        verb = "would go" if config.dry_run else "went"
        context.log.info(
            f"{len(done.studies)} studies {verb}: {done.files} files, documents of {done.documents}, "
            f"{done.partitions} partitions; {len(done.skipped)} kept for runs or the dispatcher, "
            f"{done.partitions_skipped} partitions for a backfill"
        )
        if done.malformed or done.malformed_skipped:
            left = f"; kept for runs and backfills: {', '.join(done.malformed_skipped)}" if done.malformed_skipped else ""
            context.log.warning(f"partitions that name no study {verb}: {', '.join(done.malformed) or 'none'}{left}")
        context.add_output_metadata(
            {
                "dry_run": config.dry_run,
                "studies": len(done.studies),
                "files": done.files,
                "studies_in_index": done.documents,
                "partitions": done.partitions,
                "studies_left": len(done.skipped),
                "partitions_left": done.partitions_skipped,
                "malformed_partitions": done.malformed,
                "malformed_partitions_left": done.malformed_skipped,
                "first_studies": [study.partition for study in done.studies[:SHOWN]],
                "first_studies_left": [study.partition for study in done.skipped[:SHOWN]],
            }
        )

    @dg.job(description=job_named("prune_job").description)
    def prune_job() -> None:
        prune_studies()

    return prune_job
