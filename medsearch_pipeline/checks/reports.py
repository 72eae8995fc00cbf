"""How many reports are matched to a study, and how many studies with images have a report."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from medsearch_core.storage.sql import query_tables

_REPORTS = """
    SELECT count(*) FILTER (kind = 'report') AS joined, count(*) FILTER (reason = 'report_without_study') AS strayed
    FROM inventory
"""
_STUDIES = """
    SELECT count(*) FILTER (images > 0) AS pictured, count(*) FILTER (images > 0 AND reports > 0) AS reported FROM studies
"""


@dataclass(frozen=True, kw_only=True)
class ReportJoin:
    """Counts of matched reports.

    Args:
        reports: landed reports, including those without a study.
        joined: reports that were matched to a study.
        studies_with_images: studies with an image.
        studies_with_report: studies with an image and a report.
    """

    reports: int
    joined: int
    studies_with_images: int
    studies_with_report: int

    @property
    def joined_share(self) -> float | None:
        """Share of reports that were matched to a study; None without reports."""
        return self.joined / self.reports if self.reports else None

    @property
    def reported_share(self) -> float | None:
        """Share of studies with images that have a report; None without images."""
        return self.studies_with_report / self.studies_with_images if self.studies_with_images else None

    def problems(self, min_joined: float, min_reported: float) -> list[str]:
        """A sentence for each share that is too small."""
        shares = (
            (self.joined_share, min_joined, f"{self.joined} of {self.reports} reports were matched to a study"),
            (
                self.reported_share,
                min_reported,
                f"{self.studies_with_report} of {self.studies_with_images} studies with images have a report",
            ),
        )
        return [
            f"{counts}; the minimum is {minimum:.0%}"
            for share, minimum, counts in shares
            if share is not None and share < minimum
        ]


def join_of(inventory: pa.Table, studies: pa.Table) -> ReportJoin:
    """Counts of matched reports, from the inventory and from the tables' studies (`ledger.list_studies`)."""
    reports, tables = (
        query_tables(_REPORTS, inventory=inventory).to_pylist()[0],
        query_tables(_STUDIES, studies=studies).to_pylist()[0],
    )
    return ReportJoin(
        reports=reports["joined"] + reports["strayed"],
        joined=reports["joined"],
        studies_with_images=tables["pictured"],
        studies_with_report=tables["reported"],
    )
