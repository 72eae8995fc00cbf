"""Broader and narrower concepts: consolidation is a lung opacity.

Belongs here: the meaning of `hierarchy.csv`, one row per concept that has a broader one; a concept may have several.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from medsearch_core.reports.data_files import rows


@lru_cache
def _broader() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows("hierarchy.csv"):
        found[row["concept"]].append(row["broader"])
    return {concept: tuple(broader) for concept, broader in found.items()}


def ancestors(concept: str) -> list[str]:
    """Every concept broader than this one, the nearest first, each once."""
    found: list[str] = []
    ahead = list(_broader().get(concept, ()))
    while ahead:
        broader = ahead.pop(0)
        if broader not in found:
            found.append(broader)
            ahead += _broader().get(broader, ())
    return found
