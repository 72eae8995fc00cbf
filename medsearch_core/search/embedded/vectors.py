"""The embedded index's vectors in memory, and the exact search over them.

Belongs here: keeping a reader's vectors in sync with the table, and cosine similarity. Reading the vectors from disk for each
query is ten times slower than NumPy over vectors in memory (see benchmarks/search.py), unless an approximate index is used,
which loses recall under selective filters. Costs 4 bytes per dimension and distinct vector: 0.8 GB for 200,000 images of 1,024
dimensions, only in processes that search by similarity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from medsearch_core.search.embedded.rows import IMAGE, vectors_of
from medsearch_core.search.embedded.scan import BatchedScan, Floats

BLOCK = 4096
FLOAT32_ERROR = 1e-5
DECIMALS = 6

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Vectors:
    """The vectors of one version. Image i is table row `rows[i]`, and its vector is at position `at[i]` of the blocks.

    `rows` ascends. Blocks are float32[BLOCK, dimensions] of vectors of length 1 or all zero.
    """

    rows: Integers
    at: Integers
    blocks: tuple[Floats, ...]
    _scan: BatchedScan = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_scan", BatchedScan(self.blocks))

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self.blocks[0].shape[1]

    def nearest(self, query: Floats, k: int, among: Integers | None = None) -> tuple[Integers, npt.NDArray[np.float64]]:
        """Table rows of the k most similar images and all that tie with the last, unordered, and their cosines.

        Similarity is first computed in float32 by BLAS, whose last digits depend on a vector's position in memory; all
        candidates for the k are then recomputed in float64, one by one, so that the result depends on the vectors alone.

        Args:
            query: float32[dimensions], not zero.
            among: table rows to choose from; None for all.
        """
        rows = self.rows if among is None else np.sort(among)
        at = self.at if among is None else self.at[np.searchsorted(self.rows, rows)]
        unit = (query / np.linalg.norm(query.astype(np.float64))).astype(np.float32)
        rough = self._rough(unit, at)
        near = _top(rough, k, FLOAT32_ERROR)
        places, back = np.unique(at[near], return_inverse=True)
        exact = self._exact(query.astype(np.float64), places)[back]
        best = _top(exact, k, 0.0)
        return rows[near][best], exact[best]

    def _rough(self, unit: Floats, at: Integers) -> Floats:
        if len(at) * 20 < len(self.rows):
            return self._take(at) @ unit
        return self._scan.products(unit)[at]

    def _exact(self, query: npt.NDArray[np.float64], places: Integers) -> npt.NDArray[np.float64]:
        length = np.sqrt((query * query).sum())
        found = np.empty(len(places))
        for start in range(0, len(places), 1024):
            some = self._take(places[start : start + 1024]).astype(np.float64)
            found[start : start + 1024] = (some * query).sum(axis=1) / length
        return np.round(found, DECIMALS) + 0.0

    def _take(self, places: Integers) -> Floats:
        taken = np.empty((len(places), self.dimensions), np.float32)
        for number in np.unique(places // BLOCK):
            here = places // BLOCK == number
            taken[here] = self.blocks[number][places[here] % BLOCK]
        return taken


class ResidentVectors:
    """The vectors of the newest requested version. Thread-safe.

    Vectors are recognized by fingerprint, so a new version, compacted or not, costs a scan of two numbers per image and reading
    what is new. Blocks only grow at their end: older `Vectors` stay valid.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._version: int | None = None
        self._vectors: Vectors | None = None
        self._clear()

    def of(self, table: Any) -> Vectors | None:
        """The vectors of a pinned version; None if it has no images."""
        with self._lock:
            if table.version != self._version:
                self._vectors = self._load(table)
                self._version = table.version
            return self._vectors

    def _clear(self) -> None:
        self._known = np.empty(0, np.int64)
        self._places = np.empty(0, np.int64)
        self._blocks: list[Floats] = []

    def _load(self, table: Any) -> Vectors | None:
        query = table.search().where(f"kind = '{IMAGE}'").select(["fingerprint"]).with_row_id(True).limit(None)
        found = query.to_arrow()
        if not found.num_rows:
            self._clear()
            return None
        rows = found["_rowid"].to_numpy().astype(np.int64)
        order = np.argsort(rows)
        rows, prints = rows[order], found["fingerprint"].to_numpy()[order]
        distinct, first = np.unique(prints, return_index=True)
        if len(self._known) > 2 * len(distinct) + BLOCK or not np.isin(distinct, self._known).any():
            self._clear()
        new = ~np.isin(distinct, self._known)
        self._read(table, rows[first[new]])
        at = self._places[np.searchsorted(self._known, prints)]
        return Vectors(rows, at, tuple(self._blocks))

    def _read(self, table: Any, rows: Integers) -> None:
        rows = np.sort(rows)
        for start in range(0, len(rows), BLOCK):
            wanted = table.take_row_ids(rows[start : start + BLOCK].tolist())
            found = wanted.select(["fingerprint", "vector"]).to_arrow()
            self._append(found["fingerprint"].to_numpy(), vectors_of(found["vector"]))

    def _append(self, prints: Integers, vectors: Floats) -> None:
        held = len(self._known)
        self._fill(held, vectors)
        known = np.concatenate([self._known, prints])
        places = np.concatenate([self._places, np.arange(held, held + len(prints))])
        order = np.argsort(known)
        self._known, self._places = known[order], places[order]

    def _fill(self, place: int, vectors: Floats) -> None:
        while len(vectors):
            number, offset = divmod(place, BLOCK)
            if number == len(self._blocks):
                self._blocks.append(np.zeros((BLOCK, vectors.shape[1]), np.float32))
            room = BLOCK - offset
            part, vectors = vectors[:room], vectors[room:]
            self._blocks[number][offset : offset + len(part)] = part
            place += len(part)


def _top(scores: npt.NDArray[Any], k: int, slack: float) -> npt.NDArray[np.intp]:
    """Positions of the k largest values, and of all values at most `slack` below the smallest of them."""
    if len(scores) <= k:
        return np.arange(len(scores))
    last = np.partition(scores, len(scores) - k)[len(scores) - k]
    return np.flatnonzero(scores >= last - slack)
