"""Every job, in one table: what it materializes, what it is for and when it is scheduled.

A new job is a row of `JOBS`. Its Dagster job, its schedule, its row in docs/operations.md and, if it materializes study assets
alone, its use by upkeep follow from that row. Not here: how jobs are built (`orchestration/jobs.py`). Dagster is not needed.
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
        assets: what it materializes; none if it is a job of ops, which is built where its op is.
        description: what it is for, as Dagster's UI and docs/operations.md show it.
        cron: the setting with the times of its schedule, in UTC; None if it has no schedule.
    """

    name: str
    assets: tuple[str, ...] = ()
    description: str
    cron: str | None = None

    @property
    def is_over_studies(self) -> bool:
        """Whether it materializes study assets alone, so that it can be launched for a range of studies, and by upkeep."""
        return bool(self.assets) and set(self.assets) <= set(STUDY_ASSETS)

    @property
    def schedule(self) -> str | None:
        """The name of its schedule."""
        return f"{self.name.removesuffix('_job')}_schedule" if self.cron else None


JOBS = (
    Job(
        name="inventory_job",
        assets=("inventory",),
        description="Take stock of the whole landing store, and compact what was noticed since the last time.",
        cron="inventory_cron",
    ),
    Job(
        name="ingest_job",
        assets=STUDY_ASSETS,
        description="Bring studies from the landing store to the search index: all five study assets, the usual way to "
        "ingest. What is unchanged is left as it is.",
    ),
    Job(
        name="metadata_job",
        assets=("dicom_metadata", "thumbnails", "search_index"),
        description="Read studies' headers again and index them: after a column was added to the metadata. No pixel is "
        "decoded, and no thumbnail or vector made again, where the objects are as they were.",
    ),
    Job(
        name="reembed_job",
        assets=("embeddings", "search_index"),
        description="Embed studies' thumbnails again and index them: after another model, other weights or other "
        "preprocessing. No DICOM file is read.",
    ),
    Job(
        name="reports_job",
        assets=("report_entities", "search_index"),
        description="Read studies' reports again and index them: after a change of vocabulary or rules. No image is touched.",
    ),
    Job(
        name="reindex_job",
        assets=("search_index",),
        description="Write studies' documents to the search index from Parquet alone: where it is behind, or tags changed. "
        "For another model or a new index use `medsearch reindex`.",
    ),
    Job(
        name="compact_catalog_job",
        assets=("catalogue",),
        description="Bring the catalogue of all studies' files up to date.",
    ),
    Job(
        name="ledger_job",
        assets=("catalogue", "ledger"),
        description="Say what became of every landed object, and check that none is lost.",
        cron="ledger_cron",
    ),
    Job(
        name="prune_job",
        description="Remove what is left of studies of which nothing is landed any more; the last inventory decides.",
    ),
)
"""All jobs. Upkeep requests those over studies in this order."""

UPKEEP_JOBS = {job.name: job.assets for job in JOBS if job.is_over_studies}
"""Job → the study assets it materializes: `ingest_job` all, the others as little as brings a stale study up to date."""


def job_named(name: str) -> Job:
    """The job of that name."""
    return next(job for job in JOBS if job.name == name)


def smallest_job(assets: Collection[str]) -> str:
    """The job over studies that materializes these study assets and the fewest others."""
    covering = [name for name, covered in UPKEEP_JOBS.items() if set(assets) <= set(covered)]
    return min(covering, key=lambda name: len(UPKEEP_JOBS[name]))
