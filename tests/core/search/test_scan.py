"""Concurrent queries share one scan, and each gets its own result."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from medsearch_core.search.embedded.scan import MAX_QUERIES_PER_SCAN, BatchedScan

CHANCE = np.random.default_rng(0)


class Counted(np.ndarray):
    """A block of vectors that counts its scans, and may fail."""

    passes, failures = 0, 0

    @property
    def vectors(self) -> np.ndarray:
        return self.view(np.ndarray)

    def __matmul__(self, units: np.ndarray) -> np.ndarray:  # type: ignore[override]
        self.passes += 1
        if self.failures:
            self.failures -= 1
            raise MemoryError
        return self.vectors @ units


def units(count: int) -> np.ndarray:
    return CHANCE.standard_normal((count, 16), dtype=np.float32)


def asked_at_once(passes: BatchedScan, queries: np.ndarray, pool: ThreadPoolExecutor) -> list:
    """The result of each query, after all of them waited for the same turn."""
    with passes._turn:
        answers = [pool.submit(passes.products, unit) for unit in queries]
        while len(passes._waiting) < len(queries):
            time.sleep(0.001)
    return answers


def test_queries_that_wait_together_share_passes_and_get_their_own_products():
    blocks = [units(50).view(Counted), units(7).view(Counted)]
    passes, queries = BatchedScan(blocks), units(MAX_QUERIES_PER_SCAN + 8)
    with ThreadPoolExecutor(len(queries)) as pool:
        answers = asked_at_once(passes, queries, pool)
        for unit, answer in zip(queries, answers, strict=True):
            expected = np.concatenate([block.vectors for block in blocks]) @ unit
            assert np.allclose(answer.result(), expected, atol=1e-5)
    assert [block.passes for block in blocks] == [2, 2]
    assert passes._waiting == []


def test_a_query_alone_is_one_pass():
    block = units(50).view(Counted)
    (unit,) = units(1)
    assert np.array_equal(BatchedScan([block]).products(unit), block.vectors @ unit)
    assert block.passes == 1


def test_a_pass_that_fails_fails_one_query_and_the_others_are_compared_after_all():
    block = units(50).view(Counted)
    block.failures = 1
    passes, queries = BatchedScan([block]), units(6)
    with ThreadPoolExecutor(len(queries)) as pool:
        answers = asked_at_once(passes, queries, pool)
        failed = [answer for answer in answers if answer.exception()]
        assert len(failed) == 1
        for unit, answer in zip(queries, answers, strict=True):
            if answer not in failed:
                assert np.allclose(answer.result(), block.vectors @ unit, atol=1e-5)
    with pytest.raises(MemoryError):
        failed[0].result()
