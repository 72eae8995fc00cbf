"""The head of a vector: a few numbers that bound its cosine with any query, so that most vectors need not be read.

Belongs here: making heads and the bound. Let V be orthonormal directions, μ a mean, a = V(x − μ) the head of a vector x, and t
the length of what V leaves of x − μ; b and s the same of a query q. Then x·q = a·b + μ·x + μ·q − μ·μ + r, where |r| ≤ t·s
(Cauchy–Schwarz). Any orthonormal V is right; the principal components of the vectors leave the shortest tails.

A stored row is (a, μ·x − μ·μ, t), a query's row (b, 1, s), so their product is an upper bound, but for rounding. Rounding a sum
of n products of float32 changes it by at most n·2⁻²⁴·|row|·|row of the query|, in any order of summation; `slack` is that and
more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medsearch_core.search.embedded.arrays import Array, MappedArrays, Stream
from medsearch_core.search.embedded.scan import Floats, limit_threads

Doubles = npt.NDArray[np.float64]
Take = Callable[[npt.NDArray[np.int64]], Floats]

WIDTHS = (128, 192, 256, 384)
MIN_ROWS = 8192
"""With fewer vectors the whole product is as fast."""

FITTED_ON = 20_000
SAMPLED = 100
MAX_SURVIVORS = 0.01
BLOCK = 8192
ROUNDING = 2.0**-24
TAIL_SLACK = 2e-6
NEAREST = 10


@dataclass(frozen=True)
class Basis:
    """V as float64[width, dimensions] and μ as float64[dimensions]."""

    directions: Doubles
    mean: Doubles

    def rows_of(self, vectors: Floats | Doubles) -> Doubles:
        """(a, μ·x − μ·μ, t) of each vector."""
        exact = vectors.astype(np.float64)
        moved = exact - self.mean
        heads = moved @ self.directions.T
        tails = np.sqrt(np.maximum(0.0, (moved * moved).sum(axis=1) - (heads * heads).sum(axis=1)))
        level = exact @ self.mean - self.mean @ self.mean
        return np.concatenate([heads, level[:, None], tails[:, None] + TAIL_SLACK], axis=1)

    def query(self, unit: Doubles) -> tuple[Floats, float]:
        """(b, 1, s) of a query of length 1, and μ·q, which is the same for all vectors."""
        row = self.rows_of(unit[None])[0]
        return np.concatenate([row[:-2], [1.0], row[-1:]]).astype(np.float32), float(self.mean @ unit)


def fitted(count: int, take: Take, widths: Sequence[int] = WIDTHS, min_rows: int = MIN_ROWS) -> Basis | None:
    """The basis for vectors: the narrowest that leaves few of them to compare; None if none does, or there are few vectors.

    Args:
        take: the vectors of these rows.
    """
    if count < min_rows:
        return None
    limit_threads()
    chance = np.random.default_rng(0)
    sample = take(np.sort(chance.choice(count, min(count, FITTED_ON), replace=False)))
    widths = [width for width in widths if width <= sample.shape[1] // 2]
    if not widths:
        return None
    mean = sample.mean(axis=0, dtype=np.float64)
    moved = sample - mean.astype(np.float32)
    _, directions = np.linalg.eigh((moved.T @ moved).astype(np.float64))
    whole = Basis(np.ascontiguousarray(directions[:, ::-1].T[: widths[-1] - 2]), mean)
    rows = np.concatenate([whole.rows_of(sample[n : n + BLOCK]).astype(np.float32) for n in range(0, len(sample), BLOCK)])
    queries = sample[chance.choice(len(sample), SAMPLED, replace=False)]
    asked = whole.rows_of(queries)
    cosines, levels = queries @ sample.T, queries.astype(np.float64) @ mean
    for width in widths:
        if _share_left(rows, asked, levels, cosines, width - 2) <= MAX_SURVIVORS:
            return Basis(whole.directions[: width - 2], mean)
    return None


def _share_left(rows: Floats, asked: Doubles, levels: Doubles, cosines: Floats, width: int) -> float:
    """The share of the sampled vectors that may be among the nearest of a query, if heads have this width."""
    tails, own = (np.sqrt((one[:, width:-2] ** 2).sum(axis=1) + one[:, -1] ** 2) for one in (rows, asked))
    upper = asked[:, :width] @ rows[:, :width].T + rows[:, -2] + own[:, None] * tails + levels[:, None]
    least = np.partition(cosines, -NEAREST, axis=1)[:, -NEAREST]
    return float((upper >= least[:, None]).mean())


def head_arrays(count: int, take: Take, basis: Basis) -> dict[str, Array | Stream]:
    """The arrays of a segment's heads, to be written in this order."""
    width = len(basis.directions) + 2
    tails: list[Floats] = []

    def rows() -> Iterable[Floats]:
        for start in range(0, count, BLOCK):
            made = basis.rows_of(take(np.arange(start, min(count, start + BLOCK)))).astype(np.float32)
            tails.append(made[:, -1].copy())
            yield made

    return {
        "directions": basis.directions,
        "mean": basis.mean,
        "heads": Stream("<f4", (count, width), rows),
        "tails": Stream("<f4", (count,), lambda: tails),
    }


class Heads:
    """The heads of a segment's vectors."""

    def __init__(self, arrays: MappedArrays) -> None:
        self.basis = Basis(arrays["directions"], arrays["mean"])
        self.rows: Floats = arrays["heads"]
        self.tails: Floats = arrays["tails"]
        level = float(np.linalg.norm(self.basis.mean))
        self._longest = np.hypot(1.0 + level, level + level * level) + 1e-3

    def slack(self, query: Floats) -> float:
        """How much a product of a row and a query's row may differ from the exact one."""
        return float((len(query) + 8) * ROUNDING * self._longest * np.linalg.norm(query.astype(np.float64)))
