"""What ICD-10-CM codes are called, for people. Only the radiographic findings of the core's reviewed table are known."""

from __future__ import annotations

from functools import lru_cache

from medsearch_core.reports.data import rows


def find_description(code: str) -> str | None:
    """The description of a code; None for one that is not in the table."""
    return _descriptions().get(code.upper())


@lru_cache(1)
def _descriptions() -> dict[str, str]:
    return {row["code"].upper(): row["description"] for row in rows("codes.csv")}
