"""The code location: everything Dagster loads."""

import dagster as dg

from medsearch_pipeline.assets.catalogue import build_catalogue
from medsearch_pipeline.assets.dicom_images import build_dicom_images
from medsearch_pipeline.assets.embeddings import build_embeddings
from medsearch_pipeline.assets.inventory import build_inventory
from medsearch_pipeline.assets.ledger import build_ledger
from medsearch_pipeline.assets.report_entities import build_report_entities
from medsearch_pipeline.assets.search_index import build_search_index
from medsearch_pipeline.checks.instance_size import build_instance_size_check
from medsearch_pipeline.jobs import build_jobs
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """The definitions of a deployment. Reads nothing and connects to nothing."""
    policy = dg.BackfillPolicy.multi_run(max_partitions_per_run=settings.max_partitions_per_run)
    return dg.Definitions(
        assets=[
            build_inventory(settings),
            build_dicom_images(settings, policy),
            build_embeddings(settings, policy),
            build_report_entities(policy),
            build_search_index(policy),
            build_catalogue(),
            build_ledger(settings),
        ],
        asset_checks=[build_instance_size_check()],
        jobs=build_jobs(),
        resources=build_resources(settings),
        executor=dg.in_process_executor,
    )


defs = build_definitions(Settings())
