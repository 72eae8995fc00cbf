"""Jobs: the selections of assets that people and sensors launch by name."""

from functools import cache
from typing import Any

import dagster as dg

STUDY_ASSETS = ("dicom_metadata", "thumbnails", "embeddings", "report_entities", "search_index")
UPKEEP_JOBS = {
    "ingest_job": STUDY_ASSETS,
    "reembed_job": ("embeddings", "search_index"),
    "reports_job": ("report_entities", "search_index"),
    "reindex_job": ("search_index",),
}
"""Job → the study assets it materialises: `ingest_job` all, the others as little as brings a stale study up to date."""

_DESCRIPTIONS = {
    "ingest_job": "Bring studies from the landing store to the search index. What is unchanged is left as it is.",
    "reembed_job": "Embed studies' thumbnails again and index them: after another model, other weights or other preprocessing. "
    "No DICOM file is read.",
    "reports_job": "Read studies' reports again and index them: after a change of vocabulary or rules. No image is touched.",
    "reindex_job": "Write studies' documents to the search index from Parquet alone: where it is behind, or tags changed. "
    "For another model or a new index use medsearch reindex.",
}


@cache
def build_jobs() -> tuple[Any, ...]:
    """`inventory_job` and `ingest_job` bring what landed to the index; `ledger_job` says what became of every object.

    The others redo a part. Every job over studies can be launched for a range, for chosen studies or for all. The jobs are the
    same objects at each call, as Dagster wants those to be that a sensor launches.
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
    )
