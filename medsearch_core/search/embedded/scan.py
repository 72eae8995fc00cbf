"""One scan over all vectors that serves all waiting queries.

Belongs here: batching queries. A product with all vectors is bound by memory bandwidth, not arithmetic: ten queries in one scan
cost little more than one, and ten concurrent scans slow each other down. For the same reason BLAS gets half of the CPU's
threads: more would wait for the same memory, and spin while other requests need the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from medsearch_core.machine.cpus import available_cpus

Floats = npt.NDArray[np.float32]

MAX_QUERIES_PER_SCAN = 32


@dataclass(eq=False)
class _PendingQuery:
    unit: Floats
    products: Floats | None = None


class BatchedScan:
    """Products of queries with vectors in blocks. Thread-safe."""

    def __init__(self, blocks: Sequence[Floats]) -> None:
        """
        Args:
            blocks: float32[any, dimensions] each.
        """
        limit_threads()
        self._blocks = blocks
        self._turn = Lock()
        self._guard = Lock()
        self._waiting: list[_PendingQuery] = []

    def products(self, unit: Floats) -> Floats:
        """The product of float32[dimensions] with every vector of every block, in order.

        Waits for the running scan; the next thread then scans for all queries that are waiting.
        """
        query = _PendingQuery(unit)
        with self._guard:
            self._waiting.append(query)
        with self._turn:
            if query.products is None:
                self._scan(self._next_batch(query))
        assert query.products is not None  # noqa: S101 - for the type checker
        return query.products

    def _next_batch(self, query: _PendingQuery) -> list[_PendingQuery]:
        with self._guard:
            others = [asked for asked in self._waiting if asked is not query]
            taken = [query, *others[: MAX_QUERIES_PER_SCAN - 1]]
            self._waiting = others[MAX_QUERIES_PER_SCAN - 1 :]
        return taken

    def _scan(self, queries: Sequence[_PendingQuery]) -> None:
        units = queries[0].unit if len(queries) == 1 else np.stack([a.unit for a in queries], axis=1)
        found = np.concatenate([block @ units for block in self._blocks])
        for number, one in enumerate(queries):
            one.products = found if len(queries) == 1 else np.ascontiguousarray(found[:, number])


@cache
def limit_threads() -> None:
    """BLAS gets half of the CPU's threads, from now on in this process."""
    ThreadpoolController().limit(limits=max(1, available_cpus() // 2), user_api="blas")
