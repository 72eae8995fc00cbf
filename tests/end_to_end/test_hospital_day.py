"""A day of a small hospital, lived by a real daemon, S3 and SQS: in the end all reconciles, and a second pass does nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hospital_day.day import Account, Run
from tests.support.hospital_day.place import Place
from tests.support.hospital_day.plan import plan


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Account]]:
    """The day, with everything that waits for something waiting less."""
    sooner = {
        "MEDSEARCH_SETTLE_SECONDS": "3",
        "MEDSEARCH_SCAN_INTERVAL_SECONDS": "8",
        "MEDSEARCH_DISPATCH_INTERVAL_SECONDS": "4",
        "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "1",
    }
    day = plan(studies=22, seconds=24)
    monitoring = {"poll_interval_seconds": 2, "free_slots_after_run_end_seconds": 2}
    with Place(tmp_path_factory.mktemp("day"), sooner, monitoring) as place:
        run = Run(place, day)
        run.live()
        yield run, run.account()


def test_every_object_ends_as_the_script_expects(lived: tuple[Run, Account]) -> None:
    _, account = lived
    assert account.differences == []


def test_a_daemon_and_a_run_were_killed_on_the_way(lived: tuple[Run, Account]) -> None:
    run, _ = lived
    assert run.killed


def test_a_second_pass_does_nothing(lived: tuple[Run, Account]) -> None:
    run, _ = lived
    assert run.second_pass() == []
