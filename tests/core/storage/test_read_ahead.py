"""Reading ahead: in order, in parallel, within the limit, and a failed read affects only its own item."""

from __future__ import annotations

import threading

import pytest

from medsearch_core.errors import ObjectNotFound
from medsearch_core.storage.read_ahead import READERS, read_ahead


def test_objects_come_in_order_and_a_failed_read_is_raised_at_its_turn() -> None:
    def read(key: str) -> bytes:
        if key == "gone":
            raise ObjectNotFound(key)
        return key.encode()

    results = read_ahead(read, ["a", "gone", "b"], len)
    assert next(results)() == b"a"
    with pytest.raises(ObjectNotFound):
        next(results)()
    assert next(results)() == b"b"
    assert list(results) == []


def test_several_are_read_at_once() -> None:
    together = threading.Barrier(READERS)

    def read(number: int) -> bytes:
        together.wait(300)  # is only passed if so many read at the same time
        return bytes(number)

    assert [len(result()) for result in read_ahead(read, range(READERS), lambda _: 1)] == list(range(READERS))


@pytest.mark.parametrize(("sizes", "budget"), [([1] * 50, 3), ([5, 1, 1, 9, 2, 2, 2], 6), ([100, 100], 10)])
def test_no_more_is_held_than_the_budget_or_a_single_object(sizes: list[int], budget: int) -> None:
    begun: list[int] = []

    def read(number: int) -> bytes:
        begun.append(number)
        return bytes(sizes[number])

    given = 0
    for result in read_ahead(read, range(len(sizes)), lambda number: sizes[number], budget):
        assert len(result()) == sizes[given]
        held = sum(sizes[number] for number in sorted(begun)[given:])
        assert held <= max(budget, sizes[given])
        given += 1
    assert given == len(sizes)
