"""The sample of a run that a check looks at, where all of it would cost too much."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def sample(items: Sequence[Item], max_items: int, seed: str) -> list[Item]:
    """At most so many of the items, each as likely as any other.

    Args:
        seed: the same draws the same; the id of a run, so that every run looks at others.
    """
    return random.Random(seed).sample(items, min(max_items, len(items)))  # noqa: S311
