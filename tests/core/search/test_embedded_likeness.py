"""The embedded index's likeness is that of comparing every vector in float64, whatever is ruled out by a bound first."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.search.embedded import nearest
from medsearch_core.search.embedded.arrays import Array, MappedArrays, Stream, write_arrays
from medsearch_core.search.embedded.head import MAX_SURVIVORS, fitted, head_arrays
from medsearch_core.search.embedded.nearest import Vectors
from tests.support.examples import examples

ROWS, DIMENSIONS = 3000, 32


def opened(vectors: np.ndarray, folder: Path, width: int | None) -> Vectors:
    """The vectors of a segment with heads of this width, or without."""
    arrays: dict[str, Array | Stream] = {"vectors": vectors}
    if width:
        basis = fitted(len(vectors), lambda rows: vectors[rows], [width], 0)
        if basis is not None:
            arrays |= head_arrays(len(vectors), lambda rows: vectors[rows], basis)
    path = folder / f"{next(NUMBERS)}.segment"
    return Vectors(MappedArrays(path, *write_arrays(path, arrays, {})))


NUMBERS = count()


def like_pictures(chance: np.random.Generator, rows: int, dimensions: int, decay: float) -> np.ndarray:
    """Vectors around a mean whose variance falls from axis to axis, some of them equal, some zero."""
    axes = np.linalg.qr(chance.standard_normal((dimensions, dimensions)))[0] * np.arange(1, dimensions + 1) ** -decay
    vectors = chance.standard_normal((rows, dimensions)) @ axes.T + axes[0] * chance.choice([0.0, 2.0])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[chance.integers(0, rows, rows // 20)] = vectors[chance.integers(0, rows)]
    vectors[chance.integers(0, rows)] = 0
    return vectors.astype(np.float32)


def brute_force(vectors: np.ndarray, query: np.ndarray, k: int, matching: np.ndarray | None) -> dict[int, float]:
    exact = query.astype(np.float64)
    scores = np.round((vectors.astype(np.float64) * exact).sum(axis=1) / np.sqrt((exact * exact).sum()), 6)
    rows = np.arange(len(vectors)) if matching is None else np.flatnonzero(matching)
    last = np.sort(scores[rows])[-min(k, len(rows)) :][:1]
    return {int(row): scores[row] for row in rows if scores[row] >= last}


@settings(max_examples=examples(60), deadline=None, derandomize=True, database=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    decay=st.sampled_from([0.3, 0.8, 1.5, 3.0]),
    width=st.sampled_from([None, 4, 8, 16]),
    k=st.sampled_from([1, 2, 10, 50, 700]),
    share=st.sampled_from([None, 1.0, 0.9, 0.3, 0.05, 0.001, 0.0]),
    scale=st.sampled_from([1.0, 1e-20, 1e20]),
    is_held=st.booleans(),
)
def test_the_most_alike_and_their_scores_are_those_of_float64(
    seed: int, decay: float, width: int | None, k: int, share: float | None, scale: float, is_held: bool
) -> None:
    chance = np.random.default_rng(seed)
    vectors = like_pictures(chance, ROWS, DIMENSIONS, decay)
    matching = None if share is None else chance.random(ROWS) < share
    query = vectors[chance.integers(0, ROWS)] if is_held else chance.standard_normal(DIMENSIONS).astype(np.float32)
    query = (query if query.any() else np.ones(DIMENSIONS, np.float32)) * np.float32(scale)
    with TemporaryDirectory() as folder:
        rows, scores = opened(vectors, Path(folder), width).nearest(query, k, matching)
        assert dict(zip(rows.tolist(), scores.tolist(), strict=True)) == brute_force(vectors, query, k, matching)


@pytest.fixture
def read_in_full(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many vectors were read in full, search by search."""
    found: list[int] = []
    best = Vectors._best

    def counting(self: Vectors, exact: np.ndarray, unit: np.ndarray, k: int, rows: np.ndarray) -> object:
        found.append(len(rows))
        return best(self, exact, unit, k, rows)

    monkeypatch.setattr(Vectors, "_best", counting)
    return found


def test_with_heads_few_vectors_are_read_in_full(tmp_path: Path, read_in_full: list[int]) -> None:
    vectors = like_pictures(np.random.default_rng(1), 20_000, 64, 1.5)
    held = opened(vectors, tmp_path, 24)
    assert held.head_width == 24
    for query in vectors[:50]:
        if query.any():
            held.nearest(query, 10, None)
    assert len(read_in_full) == 50
    assert np.mean(read_in_full) < 20_000 * MAX_SURVIVORS


def test_where_a_bound_rules_out_too_little_every_vector_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_in_full: list[int]
) -> None:
    vectors = like_pictures(np.random.default_rng(1), 5000, 64, 0.0)
    assert fitted(5000, lambda rows: vectors[rows], [16], 0) is None, "heads of such vectors are not made"
    monkeypatch.setattr("medsearch_core.search.embedded.head.MAX_SURVIVORS", 1.0)
    held, query = opened(vectors, tmp_path, 16), np.ones(64, np.float32)
    assert held.head_width == 16
    rows, _ = held.nearest(query, 10, None)
    assert set(rows.tolist()) == brute_force(vectors, query, 10, None).keys()
    assert read_in_full == []


@pytest.mark.parametrize(("decay", "width"), [(2.5, 8), (1.4, 16), (0.9, 32), (0.4, None)])
def test_the_narrowest_heads_that_rule_out_enough_are_made(decay: float, width: int | None) -> None:
    vectors = like_pictures(np.random.default_rng(0), 4000, 64, decay)
    basis = fitted(4000, lambda rows: vectors[rows], [8, 16, 32], 0)
    assert (basis and len(basis.directions) + 2) == width


def test_few_or_short_vectors_have_no_heads() -> None:
    vectors = like_pictures(np.random.default_rng(0), 9000, 64, 2.5)
    assert fitted(9000, lambda rows: vectors[rows], [64]) is None
    assert fitted(8000, lambda rows: vectors[rows], [8]) is None


def test_the_bound_holds_for_any_vector_and_query() -> None:
    chance = np.random.default_rng(0)
    vectors = like_pictures(chance, 5000, 64, 1.0)
    basis = fitted(5000, lambda rows: vectors[rows], [24], 0)
    assert basis is not None
    others = like_pictures(chance, 2000, 64, 0.2)
    rows = basis.rows_of(others).astype(np.float32)
    for query in others[:100].astype(np.float64):
        if query.any():
            asked, level = basis.query(query / np.linalg.norm(query))
            slack = 40 * 2.0**-24 * 4
            cosines = others.astype(np.float64) @ query / np.linalg.norm(query)
            assert np.all(cosines <= rows @ asked + level + slack)


def test_ties_at_the_last_place_are_all_given(tmp_path: Path) -> None:
    vectors = np.tile(np.eye(8, dtype=np.float32), (500, 1))
    rows, scores = opened(vectors, tmp_path, None).nearest(np.eye(8, dtype=np.float32)[3], 5, None)
    assert (len(rows), set(scores.tolist())) == (500, {1.0})
    assert len(vectors) > nearest.FEW
