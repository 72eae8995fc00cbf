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

MOST_AT_ONCE = 32


@dataclass(eq=False)
class _Asked:
    unit: Floats
    products: Floats | None = None


class Passes:
    """Products of queries with vectors in blocks. Safe to share between threads."""

    def __init__(self, blocks: Sequence[Floats]) -> None:
        """
        Args:
            blocks: float32[any, dimensions] each.
        """
        self._blocks = blocks
        self._turn = Lock()
        self._guard = Lock()
        self._waiting: list[_Asked] = []

    def products(self, unit: Floats) -> Floats:
        """The product of float32[dimensions] with every vector of every block, in their order.

        Waits for the pass under way; whoever has the next turn compares for all who wait by then.
        """
        mine = _Asked(unit)
        with self._guard:
            self._waiting.append(mine)
        with self._turn:
            if mine.products is None:
                self._pass(self._taken(mine))
        assert mine.products is not None  # noqa: S101 - for the type checker
        return mine.products

    def _taken(self, mine: _Asked) -> list[_Asked]:
        with self._guard:
            others = [asked for asked in self._waiting if asked is not mine]
            taken = [mine, *others[: MOST_AT_ONCE - 1]]
            self._waiting = others[MOST_AT_ONCE - 1 :]
        return taken

    def _pass(self, asked: Sequence[_Asked]) -> None:
        units = asked[0].unit if len(asked) == 1 else np.stack([a.unit for a in asked], axis=1)
        with _libraries().limit(limits=_threads(), user_api="blas"):
            found = np.concatenate([block @ units for block in self._blocks])
        for number, one in enumerate(asked):
            one.products = found if len(asked) == 1 else np.ascontiguousarray(found[:, number])


@cache
def _threads() -> int:
    return max(1, available_cpus() // 2)


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
