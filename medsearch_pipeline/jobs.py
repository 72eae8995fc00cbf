"""Jobs: the selections of assets that people and sensors launch by name."""

from typing import Any

import dagster as dg

STUDY_ASSETS = ("dicom_metadata", "thumbnails", "embeddings", "report_entities", "search_index")


def build_jobs() -> list[Any]:
    """`inventory_job` takes stock of the landing store; `ingest_job` brings studies from landing to the index."""
    return [
        dg.define_asset_job("inventory_job", selection=["inventory"], description="Take stock of the landing store."),
        dg.define_asset_job(
            "ingest_job",
            selection=list(STUDY_ASSETS),
            description="Bring studies from the landing store to the search index.",
        ),
    ]
