"""The sample that a check reads where all of a run would cost too much."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def sample(items: Sequence[Item], max_items: int, seed: str) -> list[Item]:
    """Up to `max_items` of the items, drawn uniformly.

    Args:
        seed: determines the draw; a run's id, so that every run checks different items.
    """
    return random.Random(seed).sample(items, min(max_items, len(items)))  # noqa: S311
