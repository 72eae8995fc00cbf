"""One pass over all vectors for the queries that wait for one.

Belongs here: who compares for whom. A product with all vectors waits for memory, not for arithmetic: ten queries in one pass
cost little more than one, and ten passes at once disturb each other. For the same reason BLAS gets half of the processor's
threads: more of them wait for the same memory, and spin while other requests need them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from medsearch_core.cpus import available_cpus

Floats = npt.NDArray[np.float32]

MAX_QUERIES_PER_SCAN = 32


@dataclass(eq=False)
class _PendingQuery:
    unit: Floats
    products: Floats | None = None


class BatchedScan:
    """Products of queries with vectors in blocks. Safe to share between threads."""

    def __init__(self, blocks: Sequence[Floats]) -> None:
        """
        Args:
            blocks: float32[any, dimensions] each.
        """
        self._blocks = blocks
        self._turn = Lock()
        self._guard = Lock()
        self._waiting: list[_PendingQuery] = []

    def products(self, unit: Floats) -> Floats:
        """The product of float32[dimensions] with every vector of every block, in their order.

        Waits for the pass under way; whoever has the next turn compares for all who wait by then.
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
        with _libraries().limit(limits=_threads(), user_api="blas"):
            found = np.concatenate([block @ units for block in self._blocks])
        for number, one in enumerate(queries):
            one.products = found if len(queries) == 1 else np.ascontiguousarray(found[:, number])


@cache
def _threads() -> int:
    return max(1, available_cpus() // 2)


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
