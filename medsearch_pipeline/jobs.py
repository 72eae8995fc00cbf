"""Jobs: the selections of assets that people and sensors launch by name."""

from functools import cache
from typing import Any

import dagster as dg
from pydantic import Field

from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.ecs.step_tags import whole_step_tags
from medsearch_pipeline.resources import SearchIndexSource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.upkeep.pruning import prune
from medsearch_pipeline.upkeep.staleness import UPKEEP_JOBS

SHOWN = 50

_DESCRIPTIONS = {
    "ingest_job": "Bring studies from the landing store to the search index. What is unchanged is left as it is.",
    "reembed_job": "Embed studies' thumbnails again and index them: after another model, other weights or other preprocessing. "
    "No DICOM file is read.",
    "reports_job": "Read studies' reports again and index them: after a change of vocabulary or rules. No image is touched.",
    "reindex_job": "Write studies' documents to the search index from Parquet alone: where it is behind, or tags changed. "
    "For another model or a new index use medsearch reindex.",
}


@cache
def build_jobs(settings: Settings) -> tuple[Any, ...]:
    """`inventory_job` and `ingest_job` bring what landed to the index; `ledger_job` says what became of every object;
    `prune_job` removes what is left of studies that are gone.

    The others redo a part. Every job over studies can be launched for a range, for chosen studies or for all. The jobs are the
    same objects at each call with the same settings, as Dagster wants those to be that a sensor launches.
    """
    return (
        dg.define_asset_job("inventory_job", selection=["inventory"], description="Take stock of the landing store."),
        *(
            dg.define_asset_job(name, selection=list(assets), description=_DESCRIPTIONS[name])
            for name, assets in UPKEEP_JOBS.items()
        ),
        dg.define_asset_job(
            "compact_catalog_job", selection=["catalogue"], description="Bring the catalogue of all studies' files up to date."
        ),
        dg.define_asset_job(
            "ledger_job",
            selection=["catalogue", "ledger"],
            description="Say what became of every landed object, and check that none is lost.",
        ),
        build_prune_job(settings),
    )


class PruneConfig(dg.Config):
    """How to prune."""

    dry_run: bool = Field(False, description="only say what would go")


def build_prune_job(settings: Settings) -> dg.JobDefinition:
    """`prune_job`: one op, which may be run at any time."""

    @dg.op(name="prune", tags=whole_step_tags(settings))
    def prune_studies(
        context: dg.OpExecutionContext,
        config: PruneConfig,
        warehouse: WarehouseResource,
        search_index: dg.ResourceParam[SearchIndexSource],
    ) -> None:
        """Removes documents, files and partitions of the studies of which nothing is landed."""
        done = prune(Warehouse(warehouse.open()), search_index.open(), context.instance, is_dry=config.dry_run)
        verb = "would go" if config.dry_run else "went"
        context.log.info(
            f"{len(done.studies)} studies {verb}: {done.files} files, documents of {done.documents}, "
            f"{done.partitions} partitions; {len(done.skipped)} are left to runs or the dispatcher, "
            f"{done.partitions_skipped} partitions to a backfill"
        )
        context.add_output_metadata(
            {
                "dry_run": config.dry_run,
                "studies": len(done.studies),
                "files": done.files,
                "studies_in_index": done.documents,
                "partitions": done.partitions,
                "studies_left": len(done.skipped),
                "partitions_left": done.partitions_skipped,
                "first_studies": [study.partition for study in done.studies[:SHOWN]],
                "first_studies_left": [study.partition for study in done.skipped[:SHOWN]],
            }
        )

    @dg.job(description="Remove what is left of studies of which nothing is landed any more; the last inventory decides.")
    def prune_job() -> None:
        prune_studies()

    return prune_job
