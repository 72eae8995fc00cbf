"""A day of a small hospital, lived by a real daemon, S3 and SQS: in the end all reconciles, and a second pass does nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hospital_day.day import Account, Run
from tests.hospital_day.place import Place
from tests.hospital_day.plan import plan


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Account]]:
    """The day, which sets the environment of this process too."""
    before = dict(os.environ)
    sooner = {
        "MEDSEARCH_SETTLE_SECONDS": "3",
        "MEDSEARCH_SCAN_INTERVAL_SECONDS": "10",
        "MEDSEARCH_DISPATCH_INTERVAL_SECONDS": "5",
    }
    home: Path = tmp_path_factory.mktemp("day")
    with Place(home, sooner) as place:
        run = Run(place, plan(studies=22, seconds=24))
        run.live()
        yield run, run.account()
    os.environ.clear()
    os.environ.update(before)


def test_every_object_ends_as_the_script_expects(lived: tuple[Run, Account]) -> None:
    _, account = lived
    assert account.differences == []


def test_a_daemon_and_a_run_were_killed_on_the_way(lived: tuple[Run, Account]) -> None:
    run, _ = lived
    assert run.killed


def test_a_second_pass_does_nothing(lived: tuple[Run, Account]) -> None:
    run, _ = lived
    assert run.second_pass() == []
