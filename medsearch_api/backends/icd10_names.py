"""Descriptions of ICD-10-CM codes. Covers only the radiographic findings in the core's reviewed table."""

from __future__ import annotations

from functools import lru_cache

from medsearch_core.reports.data_files import rows


def find_description(code: str) -> str | None:
    """Return a code's description, or None if the table does not contain it."""
    return _descriptions().get(code.upper())


@lru_cache(1)
def _descriptions() -> dict[str, str]:
    return {row["code"].upper(): row["description"] for row in rows("codes.csv")}
