"""How many reports found their study, and how many studies with images have a report."""

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
    """What was joined.

    Args:
        reports: landed reports, those that found no study among them.
        joined: reports that found their study.
        pictured: studies with an image.
        reported: studies with an image and a report.
    """

    reports: int
    joined: int
    pictured: int
    reported: int

    @property
    def joined_share(self) -> float | None:
        """Reports that found a study, of all; None without reports."""
        return self.joined / self.reports if self.reports else None

    @property
    def reported_share(self) -> float | None:
        """Studies with a report, of those with images; None without images."""
        return self.reported / self.pictured if self.pictured else None

    def faults(self, least_joined: float, least_reported: float) -> list[str]:
        """Which share is too small, in words; empty if none is."""
        shares = (
            (self.joined_share, least_joined, f"{self.joined} of {self.reports} reports found their study"),
            (self.reported_share, least_reported, f"{self.reported} of {self.pictured} studies with images have a report"),
        )
        return [
            f"{told}, where {least:.0%} are asked for" for share, least, told in shares if share is not None and share < least
        ]


def join_of(inventory: pa.Table, studies: pa.Table) -> ReportJoin:
    """What was joined, by the inventory and by what the tables hold of each study (`ledger.studies_in`)."""
    reports, tables = query_tables(_REPORTS, inventory=inventory).to_pylist()[0], query_tables(_STUDIES, studies=studies).to_pylist()[0]
    return ReportJoin(
        reports=reports["joined"] + reports["strayed"],
        joined=reports["joined"],
        pictured=tables["pictured"],
        reported=tables["reported"],
    )
