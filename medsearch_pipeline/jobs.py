"""Jobs: the selections of assets that people and sensors launch by name."""

from typing import Any

import dagster as dg

STUDY_ASSETS = ("dicom_metadata", "thumbnails", "embeddings", "report_entities", "search_index")


def build_jobs() -> list[Any]:
    """`inventory_job` and `ingest_job` bring what landed to the index; `ledger_job` says what became of every object."""
    return [
        dg.define_asset_job("inventory_job", selection=["inventory"], description="Take stock of the landing store."),
        dg.define_asset_job(
            "ingest_job",
            selection=list(STUDY_ASSETS),
            description="Bring studies from the landing store to the search index.",
        ),
        dg.define_asset_job(
            "compact_catalog_job", selection=["catalogue"], description="Bring the catalogue of all studies' files up to date."
        ),
        dg.define_asset_job(
            "ledger_job",
            selection=["catalogue", "ledger"],
            description="Say what became of every landed object, and check that none is lost.",
        ),
    ]
