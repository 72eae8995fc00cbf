"""Every job in one table: the assets it materializes, its purpose and its schedule.

To add a job, add a row to `JOBS`. Its Dagster job, its schedule, its row in docs/operations.md and, if it materializes only
study assets, its use by upkeep follow from it. Not here: building jobs (`orchestration/jobs.py`). Does not import Dagster.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

STUDY_ASSETS = ("dicom_metadata", "thumbnails", "embeddings", "report_entities", "search_index")
"""The assets that are partitioned by study."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job.

    Args:
        assets: what it materializes; empty for a job of ops, which is built beside its op.
        description: its purpose, shown in Dagster's UI and docs/operations.md.
        cron: the setting with its schedule in UTC; None if it has no schedule.
    """

    name: str
    assets: tuple[str, ...] = ()
    description: str
    cron: str | None = None

    @property
    def is_over_studies(self) -> bool:
        """Whether it materializes only study assets, so that it can run over a range of studies and be requested by upkeep."""
        return bool(self.assets) and set(self.assets) <= set(STUDY_ASSETS)

    @property
    def schedule(self) -> str | None:
        """The name of its schedule."""
        return f"{self.name.removesuffix('_job')}_schedule" if self.cron else None


JOBS = (
    Job(
        name="inventory_job",
        assets=("inventory",),
        description="Scan the whole landing store, and compact the journal into the inventory.",
        cron="inventory_cron",
    ),
    Job(
        name="ingest_job",
        assets=STUDY_ASSETS,
        description="Bring studies from the landing store to the search index: all five study assets. This is the usual "
        "way to ingest. Unchanged studies are skipped.",
    ),
    Job(
        name="metadata_job",
        assets=("dicom_metadata", "thumbnails", "search_index"),
        description="Read studies' headers again and index them, after a column was added to the metadata. For unchanged "
        "objects, no pixels are decoded and no thumbnails or vectors recomputed.",
    ),
    Job(
        name="reembed_job",
        assets=("embeddings", "search_index"),
        description="Embed studies' thumbnails again and index them, after a change of model, weights or preprocessing. No "
        "DICOM file is read.",
    ),
    Job(
        name="reports_job",
        assets=("report_entities", "search_index"),
        description="Read studies' reports again and index them, after a change of vocabulary or rules. No image is read.",
    ),
    Job(
        name="reindex_job",
        assets=("search_index",),
        description="Write studies' documents to the search index from Parquet alone, if it is behind or tags changed. "
        "For another model or a new index use `medsearch reindex`.",
    ),
    Job(
        name="compact_catalog_job",
        assets=("catalogue",),
        description="Refresh the catalog of all studies' files without a new ledger, so that `medsearch stale` is current.",
    ),
    Job(
        name="ledger_job",
        assets=("catalogue", "ledger"),
        description="Record the state of every landed object, and check that none is lost.",
        cron="ledger_cron",
    ),
    Job(
        name="prune_job",
        description="Remove the remaining data of studies with no landed object, according to the last inventory.",
    ),
)
"""All jobs. Upkeep requests those over studies in this order."""

UPKEEP_JOBS = {job.name: job.assets for job in JOBS if job.is_over_studies}
"""Job → the study assets it materializes: `ingest_job` all, the others as few as needed to refresh a stale study."""


def job_named(name: str) -> Job:
    """The job of that name."""
    return next(job for job in JOBS if job.name == name)


def smallest_job(assets: Collection[str]) -> str:
    """The job over studies that materializes these study assets and the fewest others."""
    covering = [name for name, covered in UPKEEP_JOBS.items() if set(assets) <= set(covered)]
    return min(covering, key=lambda name: len(UPKEEP_JOBS[name]))
