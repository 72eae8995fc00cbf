"""When a worker that has ended is started again, and how many there are."""

from __future__ import annotations

import pytest

from medsearch_api.processes.count import FIRST_WORKER_BYTES, WORKER_BYTES, count_workers, usual_workers
from medsearch_api.processes.restarts import MAX_PAUSE_SECONDS, STABLE_SECONDS, Restarts
from medsearch_api.settings import Settings
from medsearch_core.machine.memory import memory_of


def test_the_first_death_is_healed_at_once_and_further_early_ones_after_growing_pauses():
    restarts = Restarts(1)
    pauses = [restarts.note_end(0, started_at=100.0, now=101.0) for _ in range(9)]
    assert pauses == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, MAX_PAUSE_SECONDS, MAX_PAUSE_SECONDS, MAX_PAUSE_SECONDS]


def test_a_worker_that_lived_long_begins_anew():
    restarts = Restarts(1)
    for _ in range(5):
        restarts.note_end(0, 0.0, 1.0)
    assert restarts.note_end(0, 100.0, 100.0 + STABLE_SECONDS) == 0.0


def test_a_pause_is_of_one_slot_and_ends_with_the_start():
    restarts = Restarts(2)
    for _ in range(3):
        restarts.note_end(0, 0.0, 1.0)
    assert [restarts.is_due(slot, 2.0) for slot in (0, 1)] == [False, True]
    assert [restarts.seconds_until_due(now) for now in (1.0, 2.5, 9.0)] == [2.0, 0.5, 0.0]
    assert restarts.is_due(0, 3.0)
    restarts.note_start(0)
    assert restarts.seconds_until_due(3.0) is None


@pytest.mark.parametrize(
    ("cpus", "free_bytes", "expected"),
    [
        (4, 2**40, 4),
        (4, 0, 1),
        (4, FIRST_WORKER_BYTES + WORKER_BYTES - 1, 1),
        (4, FIRST_WORKER_BYTES + 2 * WORKER_BYTES, 3),
        (1, 2**40, 1),
    ],
)
def test_there_is_a_worker_for_each_cpu_as_far_as_memory_suffices(cpus, free_bytes, expected):
    assert usual_workers(cpus, free_bytes) == expected


def test_the_setting_counts_whatever_the_machine_is():
    assert count_workers(Settings(api_workers=7)) == 7


def test_the_least_limit_of_memory_counts():
    assert memory_of(100, ["", "max", "40", "9223372036854771712"]) == 40
    assert memory_of(100, []) == 100
