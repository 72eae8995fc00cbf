"""What a reader sees: the visible documents of each segment, and all of them together as one version.

Belongs here: which rows are hidden, and the counts that follow from that. A version never changes; a segment's view is kept
from one version to the next as long as the same studies are hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from medsearch_core.search.embedded.fields import IMAGE, KINDS, REPORT
from medsearch_core.search.embedded.manifest import Manifest
from medsearch_core.search.embedded.postings import Mask, Rows
from medsearch_core.search.embedded.segment import Segment
from medsearch_core.search.model import Model
from medsearch_core.search.query import TextField

K1, B = 1.2, 0.75
"""The constants of BM25."""


class View:
    """The visible documents of one segment. Thread-safe."""

    def __init__(self, segment: Segment, hidden: tuple[int, ...]) -> None:
        self.segment = segment
        self.hidden = hidden
        self._visible: dict[str, Mask | None] = {}
        if hidden:
            studies = np.ones(len(segment.studies), bool)
            studies[list(hidden)] = False
            for kind in KINDS:
                self._visible[kind] = np.repeat(studies, np.diff(segment.of_kind(kind).ends, prepend=0))

    def visible(self, kind: str) -> Mask | None:
        """The rows of a kind of document that are not hidden; None for all."""
        return self._visible.get(kind)

    def hidden_rows(self, kind: str) -> Rows:
        """The rows of a kind of document that are hidden, ascending."""
        if kind not in self._hidden_rows:
            visible = self.visible(kind)
            found = np.empty(0, np.int32) if visible is None else np.flatnonzero(~visible).astype(np.int32)
            self._hidden_rows[kind] = found
        return self._hidden_rows[kind]

    @cached_property
    def _hidden_rows(self) -> dict[str, Rows]:
        return {}

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many documents of each kind are visible."""
        masks = {kind: self.visible(kind) for kind in KINDS}
        return {k: len(self.segment.of_kind(k)) if m is None else int(np.count_nonzero(m)) for k, m in masks.items()}

    @property
    def studies(self) -> int:
        return len(self.segment.studies) - len(self.hidden)

    def lengths(self, field: TextField) -> tuple[int, int]:
        """How many visible reports have words in a field, and how many words."""
        if field not in self._lengths:
            lengths, visible = self.segment.words(field).lengths, self.visible(REPORT)
            seen = lengths if visible is None or not len(lengths) else lengths[visible]
            self._lengths[field] = int(np.count_nonzero(seen)), int(seen.sum(dtype=np.int64))
        return self._lengths[field]

    @cached_property
    def _lengths(self) -> dict[TextField, tuple[int, int]]:
        return {}

    def norm(self, field: TextField, average: float) -> npt.NDArray[np.float64]:
        """What BM25 adds to the frequency of a word, for each report: more for a long one."""
        kept = self._norms.get(field)
        if kept is None or kept[0] != average:
            lengths = self.segment.words(field).lengths
            kept = self._norms[field] = average, K1 * (1 - B + B / (average or 1.0) * lengths.astype(np.float64))
        return kept[1]

    @cached_property
    def _norms(self) -> dict[TextField, tuple[float, npt.NDArray[np.float64]]]:
        return {}

    def number_of(self, study: bytes) -> int | None:
        """The number of a visible study; None if the segment has none of that key."""
        number = self.segment.studies.find(study)
        return None if number is None or number in self._hidden_set else number

    @cached_property
    def _hidden_set(self) -> frozenset[int]:
        return frozenset(self.hidden)

    def study_numbers(self) -> Iterator[int]:
        """The numbers of all visible studies."""
        return (number for number in range(len(self.segment.studies)) if number not in self._hidden_set)


class Snapshot:
    """One version of a release: every query on it sees the same documents."""

    def __init__(self, manifest: Manifest, views: Sequence[View]) -> None:
        self.manifest = manifest
        self.views = views

    @cached_property
    def model(self) -> Model | None:
        """The model of the visible images; None if there are none."""
        return next((view.segment.model for view in self.views if view.counts[IMAGE]), None)

    def count(self, kind: str) -> int:
        return sum(view.counts[kind] for view in self.views)

    @property
    def studies(self) -> int:
        return sum(view.studies for view in self.views)

    def is_whole(self) -> bool:
        """Whether no segment's file was cut off since it was opened."""
        return all(view.segment.arrays.is_whole() for view in self.views)

    @cached_property
    def average_length(self) -> dict[TextField, tuple[int, float]]:
        """How many reports have words in each field, and how many words on average."""
        found = {}
        for field in TextField:
            counts = [view.lengths(field) for view in self.views]
            reports, words = sum(c[0] for c in counts), sum(c[1] for c in counts)
            found[field] = reports, words / reports if reports else 0.0
        return found


EMPTY = Snapshot(Manifest(), ())
