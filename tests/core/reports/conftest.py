"""Reports written for these tests; none is, or was taken from, a real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medsearch_core.records import EntityRecord, ReportRecord
from medsearch_core.reports.read import read_report

Read = Callable[[str], tuple[ReportRecord, list[EntityRecord]]]


@pytest.fixture(scope="session")
def read() -> Read:
    def read_text(text: str) -> tuple[ReportRecord, list[EntityRecord]]:
        return read_report(text.encode(), report_id="s1", patient="p1", study="s1", key="p1/s1.txt")

    return read_text
