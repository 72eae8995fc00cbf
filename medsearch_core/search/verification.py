"""Verification of a release before it is published: its counts, and its recall against exact search."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from medsearch_core.search.index import SearchIndex
from medsearch_core.search.query import MAX_PAGE

AT = 10


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The counts and the recall of a release.

    Args:
        recall: recall@10 against exact search over `sample` images; None without images.
        missing: how many images of the sample are not in the release.
    """

    expected: tuple[int, int, int]
    held: tuple[int, int, int]
    recall: float | None
    sample: int
    missing: int = 0

    def problems(self, min_recall: float) -> list[str]:
        """Why the release may not be published; empty if it may."""
        kinds = ("images", "reports", "studies")
        problems = [
            f"it has {held} {kind} instead of {expected}"
            for kind, held, expected in zip(kinds, self.held, self.expected, strict=True)
            if held != expected
        ]
        if self.missing:
            problems.append(f"{self.missing} of {self.sample} sampled images are missing")
        if self.recall is not None and self.recall < min_recall:
            problems.append(f"recall@{AT} is {self.recall:.3f}, below {min_recall}")
        return problems


def verify(release: SearchIndex, expected: tuple[int, int, int], image_ids: Sequence[str], sample: int = 50) -> Verification:
    """Counts a release's documents and compares its nearest neighbors with those of exact search.

    Args:
        expected: the expected counts of images, reports and studies.
        image_ids: images to draw the sample from.
    """
    health = release.health()
    drawn = random.Random(0).sample(sorted(image_ids), min(sample, len(image_ids)))  # noqa: S311
    found = due = absent = 0
    for start in range(0, len(drawn), MAX_PAGE):
        for vector in release.vectors(drawn[start : start + MAX_PAGE]):
            if vector is None or not any(vector):
                absent += vector is None
                continue
            exact = release.similar(vector, AT, exact=True)
            worst = exact[-1].score
            hits = release.similar(vector, AT)
            due += len(exact)
            found += sum(hit.score >= worst for hit in hits)
    held = (health.images, health.reports, health.studies)
    recall = found / due if due else None
    return Verification(expected=expected, held=held, recall=recall, sample=len(drawn), missing=absent)
