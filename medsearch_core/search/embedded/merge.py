"""Several segments as one, without what is hidden, and the choice of segments to merge.

Belongs here: the new order of rows, and copying arrays into it. Nothing is read as a document or split into words again.
Vectors and documents are copied part by part, so a merge needs little memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from medsearch_core.search.embedded import postings, words
from medsearch_core.search.embedded.arrays import Array, Stream
from medsearch_core.search.embedded.build import description
from medsearch_core.search.embedded.fields import AGE, CODES, COLUMNS, IMAGE, KINDS, REPORT
from medsearch_core.search.embedded.head import fitted, head_arrays
from medsearch_core.search.embedded.postings import Integers
from medsearch_core.search.embedded.scan import Floats
from medsearch_core.search.embedded.strings import Strings
from medsearch_core.search.embedded.view import View
from medsearch_core.search.query import TextField

MAX_SEGMENTS = 8
GROWTH = 4
"""A segment is merged with smaller ones if it is at most so many times as large as all of them."""

MAX_HIDDEN = 0.25
"""A segment of whose studies a larger share is hidden is written anew when the index is compacted."""

MANY_HIDDEN = 1000
"""So many hidden studies are reason enough by themselves."""

PART = 4096


def due(views: Sequence[View], is_compacting: bool) -> list[int]:
    """Which segments to merge into one, by number; none if that is not worth its writing.

    The smallest ones, so that a study is written anew only as often as the index grows by `GROWTH`; and those of which much
    is hidden.
    """
    hidden = {n for n, v in enumerate(views) if len(v.hidden) > MAX_HIDDEN * len(v.segment.studies)}
    if not is_compacting:
        hidden = {number for number in hidden if len(views[number].hidden) > MANY_HIDDEN}
        if len(views) <= MAX_SEGMENTS and not hidden:
            return []
    sizes = [sum(view.counts.values()) for view in views]
    chosen: list[int] = []
    total = 0
    for number in sorted(range(len(views)), key=lambda number: (sizes[number], number)):
        if len(chosen) > 1 and sizes[number] > GROWTH * total:
            break
        chosen.append(number)
        total += sizes[number]
    return sorted(hidden | {*(chosen if len(chosen) > 1 else [])})


class Merge:
    """The content of one segment made from the visible documents of several."""

    def __init__(self, views: Sequence[View]) -> None:
        self._views = views
        found = sorted(
            (view.segment.studies[study], number, study) for number, view in enumerate(views) for study in view.study_numbers()
        )
        self._keys = [key for key, _, _ in found]
        self._studies = [(number, study) for _, number, study in found]

    def content(self) -> tuple[dict[str, Array | Stream], dict[str, Any]]:
        """The arrays and the description.

        Raises:
            StorageError: a segment is damaged.
        """
        for view in self._views:
            view.segment.arrays.check()
        keys = Strings.of(self._keys)
        inputs = Strings.of([self._views[number].segment.inputs[study] for number, study in self._studies])
        arrays: dict[str, Array | Stream] = {
            "studies": keys.data, "studies.ends": keys.ends, "inputs": inputs.data, "inputs.ends": inputs.ends,
        }  # fmt: skip
        for kind in KINDS:
            arrays |= self._of_kind(kind)
        return arrays, description(next((v.segment.model for v in self._views if v.counts[IMAGE]), None))

    def _of_kind(self, kind: str) -> dict[str, Array | Stream]:
        sources, rows, ends = self._order(kind)
        parts = [view.segment.of_kind(kind) for view in self._views]
        moved = [np.full(len(part), -1, np.int64) for part in parts]
        for number, target in enumerate(moved):
            target[rows[sources == number]] = np.flatnonzero(sources == number)
        arrays: dict[str, Array | Stream] = {f"{kind}.ends": ends}
        for field in sorted({*COLUMNS[kind], *CODES.values()}):
            columns = [(part.column(field), to) for part, to in zip(parts, moved, strict=True)]
            arrays |= postings.merged(columns).arrays(f"{kind}.{field}")
        ages = np.full(len(rows), np.nan)
        for part, to in zip(parts, moved, strict=True):
            ages[to[to >= 0]] = part.ages[to >= 0]
        arrays[f"{kind}.{AGE}"] = ages
        arrays |= _documents(kind, [part.json for part in parts], sources, rows)
        if kind == REPORT and len(rows):
            for field_ in TextField:
                texts = [(view.segment.words(field_), to) for view, to in zip(self._views, moved, strict=True)]
                arrays |= words.merged_words(texts, len(rows)).arrays(f"{kind}.{field_.value}")
        if kind == IMAGE and len(rows):
            arrays |= self._vectors(sources, rows)
        return arrays

    def _order(self, kind: str) -> tuple[Integers, Integers, Integers]:
        """For each new row the view and the row it comes from; and where each study ends."""
        spans = [
            (number, view.of_kind(kind).rows_of_study(study))
            for (number, study), view in ((one, self._views[one[0]].segment) for one in self._studies)
        ]
        counts = np.array([len(span) for _, span in spans], np.int64)
        firsts = np.array([span.start for _, span in spans], np.int64)
        ends = np.cumsum(counts, dtype=np.int64)
        rows = np.arange(int(counts.sum()), dtype=np.int64) + np.repeat(firsts - (ends - counts), counts)
        return np.repeat(np.array([number for number, _ in spans], np.int64), counts), rows, ends

    def _vectors(self, sources: Integers, rows: Integers) -> dict[str, Array | Stream]:
        held: list[Floats | None] = [v.segment.vectors if v.counts[IMAGE] else None for v in self._views]
        dimensions = next(one.shape[1] for one in held if one is not None)

        def take(wanted: Integers) -> Floats:
            taken = np.empty((len(wanted), dimensions), np.float32)
            for number, vectors in enumerate(held):
                here = sources[wanted] == number
                if vectors is not None and here.any():
                    taken[here] = vectors[rows[wanted[here]]]
            return taken

        def parts() -> Iterator[Floats]:
            for start in range(0, len(rows), PART):
                yield take(np.arange(start, min(len(rows), start + PART)))

        basis = fitted(len(rows), take)
        heads = head_arrays(len(rows), take, basis) if basis is not None else {}
        return {"vectors": Stream("<f4", (len(rows), dimensions), parts), **heads}


def _documents(kind: str, stored: Sequence[Strings], sources: Integers, rows: Integers) -> dict[str, Array | Stream]:
    lengths = np.empty(len(rows), np.int64)
    for number, one in enumerate(stored):
        here = sources == number
        lengths[here] = np.diff(one.ends, prepend=0)[rows[here]]

    def parts() -> Iterator[Array]:
        for start in range(0, len(rows), PART):
            span = slice(start, start + PART)
            texts = [stored[n][row] for n, row in zip(sources[span].tolist(), rows[span].tolist(), strict=True)]
            yield np.frombuffer(b"".join(texts), np.uint8)

    return {
        f"{kind}.documents": Stream("|u1", (int(lengths.sum()),), parts),
        f"{kind}.documents.ends": np.cumsum(lengths, dtype=np.int64),
    }
