"""One writer of an OpenSearch index at a time: the lease, when it is taken over, and what a writer that lost it may do."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from medsearch_core.errors import Transient
from medsearch_core.keys import StudyKey
from medsearch_core.search.opensearch import lease
from medsearch_core.search.opensearch.index import OpenSearchIndex
from tests.core.search.opened import opened
from tests.core.search.search_documents import study_of
from tests.support.waiting import wait_until


@pytest.fixture
def index() -> OpenSearchIndex:
    return opened()


class Clock:
    """Stands still until it is told to go on; counts how often it was looked at."""

    def __init__(self) -> None:
        self.now, self.looks = 0.0, 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


def control_of(index: OpenSearchIndex) -> str:
    """The index that holds its lease."""
    return f"{index.places.images.removesuffix('-images')}-control"


def wait_for_turn(index: OpenSearchIndex, clock: Clock) -> tuple[threading.Thread, threading.Event]:
    """Another writer of an index, which waits for its turn by a clock of its own; and whether it has had it."""
    other, done = lease.WriterLease(index.client, control_of(index), clock), threading.Event()

    def hold() -> None:
        with other.held():
            done.set()

    thread = threading.Thread(target=hold)
    thread.start()
    return thread, done


def test_a_dead_writers_lease_is_taken_over_once_it_is_unchanged_for_long_enough(index: OpenSearchIndex) -> None:
    index.upsert([study_of("s1")])
    died = {"owner": "dead", "process": "elsewhere:1", "renewed": 7}
    index.client.index(index=control_of(index), id=lease.DOCUMENT, body=died)
    clock = Clock()
    thread, is_done = wait_for_turn(index, clock)
    wait_until("it has looked again and again", lambda: clock.looks >= 5, 300, every=0.01)
    clock.now = lease.TAKEOVER_SECONDS
    seen = clock.looks
    wait_until("it has looked at the last moment", lambda: clock.looks >= seen + 3, 300, every=0.01)
    assert not is_done.is_set()
    assert index.client.get(index=control_of(index), id=lease.DOCUMENT)["_source"] == died
    clock.now += 0.1
    thread.join(300)
    assert is_done.is_set()


def test_a_living_writers_lease_is_waited_for_however_long_it_writes(
    index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEWAL_SECONDS", 0.05)
    clock = Clock()

    def renewals() -> int:
        return int(index.client.get(index=control_of(index), id=lease.DOCUMENT)["_source"]["renewed"])

    def is_renewed_and_seen(renewed: int, looks: int) -> bool:
        return renewals() > renewed and clock.looks >= looks + 2

    with lease.WriterLease(index.client, control_of(index)).held():
        thread, is_done = wait_for_turn(index, clock)
        for _ in range(5):
            wait_until("a renewal, and looks", partial(is_renewed_and_seen, renewals(), clock.looks), 300, every=0.01)
            clock.now += 0.6 * lease.TAKEOVER_SECONDS
        assert not is_done.is_set()
    thread.join(300)
    assert is_done.is_set()


def test_a_writer_that_lost_its_turn_writes_nothing_more(index: OpenSearchIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEWAL_SECONDS", 0.05)
    index.upsert([study_of("s1")])
    with index._lease.held():
        body = {"owner": "someone else", "process": "elsewhere:1", "renewed": 0}
        index.client.index(index=control_of(index), id=lease.DOCUMENT, body=body)
        assert index._lease._lost.wait(300)
        with pytest.raises(Transient):
            index.upsert([study_of("s2")])
    assert index.studies().keys() == {StudyKey("p1", "s1")}
