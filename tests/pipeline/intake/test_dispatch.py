"""The dispatcher's decisions, by cases and by any order of what may happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsearch_core.keys import StudyKey
from medsearch_pipeline.intake.dispatch import (
    DispatchPlan,
    PendingStudy,
    SettleLimits,
    merge_entries,
    plan_dispatch,
    ranges,
    remaining,
)
from medsearch_pipeline.intake.journal import Entry
from tests.support.examples import examples
from tests.support.landing import noticed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PATIENCE = SettleLimits(timedelta(seconds=60), timedelta(seconds=900))
A, B, C, D = (StudyKey("p1", f"s{n}") for n in range(1, 5))
KEYS = [study.partition for study in (A, B, C, D)]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def waits(study: StudyKey, first: float = 0, last: float | None = None, run_key: str | None = None) -> PendingStudy:
    return PendingStudy(study, at(first), at(first if last is None else last), run_key)


def entry(seconds: float, *studies: StudyKey, is_removed: bool = False) -> Entry:
    changes = [noticed(study, "removed" if is_removed else "added") for study in studies]
    return Entry(f"{at(seconds).strftime('%Y%m%dT%H%M%S.%fZ')}-0", changes)


def planned(due: Sequence[PendingStudy], in_flight: Sequence[tuple[str, str]] = (), **given: Any) -> DispatchPlan:
    return plan_dispatch(due, due, KEYS, in_flight, token="t", **{"free": 8, "max_gap": 0, "max_partitions": 256, **given})  # noqa: S106


def test_a_study_is_due_once_it_rests_or_when_it_has_grown_for_long() -> None:
    row = waits(A, 0, 100)
    assert [PATIENCE.is_due(row, at(s)) for s in (100, 159, 160)] == [False, False, True]
    growing = waits(A, 0, 890)
    assert [PATIENCE.is_due(growing, at(s)) for s in (899, 900)] == [False, True]


def test_new_entries_put_off_a_study_that_waits_and_keep_its_first_change() -> None:
    rows = merge_entries([waits(B, 0, 10)], [entry(20, A, B), entry(30, B)])
    assert rows == [waits(A, 20), waits(B, 0, 30)]


def test_an_entry_that_comes_late_moves_no_time_forward() -> None:
    assert merge_entries([waits(A, 50, 60)], [entry(40, A)]) == [waits(A, 40, 60)]


def test_a_study_that_lost_all_its_objects_waits_like_any_other() -> None:
    assert merge_entries([], [entry(5, A, is_removed=True)]) == [waits(A, 5)]


def test_a_study_whose_run_was_launched_is_done_and_one_whose_run_never_was_waits_with_its_times() -> None:
    rows = [waits(A, 0, 10, "ingest-t-0"), waits(B, 1, 2, "ingest-t-1"), waits(C, 3)]
    assert remaining(rows, {"ingest-t-0"}) == [waits(B, 1, 2), waits(C, 3)]


@pytest.mark.parametrize(
    ("places", "max_gap", "max_partitions", "found"),
    [
        ([], 5, 10, []),
        ([4], 5, 10, [(4, 4)]),
        ([1, 2, 3], 0, 10, [(1, 3)]),
        ([3, 1, 2, 2], 0, 10, [(1, 3)]),
        ([1, 3], 0, 10, [(1, 1), (3, 3)]),
        ([1, 3], 1, 10, [(1, 3)]),
        ([1, 4, 7, 12], 2, 10, [(1, 7), (12, 12)]),
        ([0, 1, 2, 3, 4], 0, 2, [(0, 1), (2, 3), (4, 4)]),
        ([0, 3], 9, 3, [(0, 0), (3, 3)]),
    ],
)
def test_ranges(places: list[int], max_gap: int, max_partitions: int, found: list[tuple[int, int]]) -> None:
    assert [(each[0], each[-1]) for each in ranges(places, max_gap, max_partitions)] == found


@given(st.sets(st.integers(0, 200)), st.integers(0, 20), st.integers(1, 40))
def test_ranges_hold_every_place_once_and_keep_their_bounds(places: set[int], max_gap: int, max_partitions: int) -> None:
    found = ranges(places, max_gap, max_partitions)
    assert [p for each in found for p in each if p in places] == sorted(places)
    for each in found:
        assert {each[0], each[-1]} <= places
        assert len(each) <= max_partitions
        inside = [p for p in each if p in places]
        assert all(b - a - 1 <= max_gap for a, b in pairwise(inside))


def test_no_range_runs_along_what_another_run_works_on() -> None:
    assert ranges([0, 2], 4, 10, [range(1, 2)]) == [range(0, 1), range(2, 3)]
    assert ranges([0, 2], 4, 10, [range(3, 9)]) == [range(0, 3)]


def test_due_studies_go_in_one_run_with_the_key_that_they_wait_under() -> None:
    done = planned([waits(A), waits(B), waits(D)])
    assert [(s.run_key, s.start, s.end, s.partitions, list(s.studies)) for s in done.ranges] == [
        ("ingest-t-0", "p1/s1", "p1/s2", 2, [A, B]),
        ("ingest-t-1", "p1/s4", "p1/s4", 1, [D]),
    ]
    assert done.pending == [waits(A, run_key="ingest-t-0"), waits(B, run_key="ingest-t-0"), waits(D, run_key="ingest-t-1")]
    assert (done.busy, done.without_free_run) == (0, 0)


def test_when_few_runs_are_free_those_that_wait_longest_go_first() -> None:
    done = planned([waits(A, 30), waits(B, 20), waits(D, 10)], free=1)
    assert [list(s.studies) for s in done.ranges] == [[D]]
    assert done.without_free_run == 2
    assert planned([waits(A)], free=0).ranges == []
    assert planned([waits(A)], free=-3).ranges == []


def test_a_study_in_a_run_in_flight_waits_for_its_end() -> None:
    done = planned([waits(A), waits(B), waits(C), waits(D)], [("p1/s2", "p1/s3")], max_gap=9)
    assert [list(s.studies) for s in done.ranges] == [[A], [D]]
    assert (done.busy, done.without_free_run) == (2, 0)
    assert [row.run_key for row in done.pending] == ["ingest-t-0", None, None, "ingest-t-1"]


def test_a_run_whose_partitions_are_gone_holds_nothing_up() -> None:
    assert len(planned([waits(A)], [("p9/s9", "p9/s9")]).ranges) == 1


@dataclass
class World:
    """Everything that outlives a process: the store, the journal, what waits, Dagster's partitions and runs."""

    now: float = 0
    landed: dict[StudyKey, int] = field(default_factory=dict)
    journal: dict[str, Entry] = field(default_factory=dict)
    rows: Sequence[PendingStudy] = ()
    taken: frozenset[str] = frozenset()
    keys: list[str] = field(default_factory=list)
    runs: dict[str, tuple[str, str]] = field(default_factory=dict)
    in_flight: dict[str, dict[StudyKey, int]] = field(default_factory=dict)
    ingested: dict[StudyKey, int] = field(default_factory=dict)
    unsubmitted: list[tuple[str, str, str]] = field(default_factory=list)
    ticks: int = 0

    def land(self, studies: set[StudyKey]) -> None:
        for study in studies:
            self.landed[study] = self.landed.get(study, 0) + 1
        found = entry(self.now, *sorted(studies))
        self.journal[f"{found.name}{len(self.journal)}"] = found

    def tick(self, dies: str = "", launches: int = 9) -> None:
        """A tick as the sensor and its daemon do it; `dies` says where everything stops."""
        if self.unsubmitted:
            return self.submit(launches)
        self.ticks += 1
        new = [e for name, e in self.journal.items() if name not in self.taken]
        rows = merge_entries(remaining(self.rows, self.runs), new)
        due = [row for row in rows if PATIENCE.is_due(row, at(self.now))]
        self.keys += sorted(row.study.partition for row in due if row.study.partition not in self.keys)
        flying = [self.runs[key] for key in self.in_flight]
        done = plan_dispatch(
            rows, due, self.keys, flying, token=f"t{self.ticks}", free=3 - len(flying), max_gap=1, max_partitions=3
        )
        if dies == "before the put":
            return None
        self.rows, self.taken = done.pending, frozenset(self.journal)
        if dies == "before the requests are stored":
            return None
        self.unsubmitted = [(span.run_key, span.start, span.end) for span in done.ranges]
        return self.submit(launches)

    def submit(self, launches: int) -> None:
        """Launches some of the runs of the last tick; those that were are not launched again."""
        for key, start, end in self.unsubmitted[:launches]:
            if key not in self.runs:
                self.runs[key] = (start, end)
                studies = [StudyKey.parse(self.keys[place]) for place in self._places(key)]
                self.in_flight[key] = {study: self.landed[study] for study in studies}
        if launches >= len(self.unsubmitted):
            self.unsubmitted = []
        places = [set(self._places(key)) for key in self.in_flight]
        assert sum(map(len, places)) == len(set().union(*places)), "two runs work on one study"
        assert len(self.in_flight) <= 3

    def finish(self) -> None:
        """The oldest run in flight ends: it has seen its studies as they were when it was launched."""
        if self.in_flight:
            self.ingested |= self.in_flight.pop(next(iter(self.in_flight)))

    def _places(self, key: str) -> range:
        start, end = self.runs[key]
        return range(self.keys.index(start), self.keys.index(end) + 1)


STUDIES = st.sets(st.sampled_from([StudyKey("p1", f"s{n}") for n in range(8)]), min_size=1)
STEPS = st.one_of(
    st.tuples(st.just("land"), STUDIES),
    st.tuples(st.just("pass"), st.sampled_from([1, 30, 61, 901])),
    st.tuples(st.just("tick"), st.sampled_from(["", "before the put", "before the requests are stored"])),
    st.tuples(st.just("tick partly"), st.integers(0, 3)),
    st.tuples(st.just("give the tick up"), st.none()),
    st.tuples(st.just("finish"), st.none()),
)


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(STEPS, max_size=30))
def test_nothing_is_lost_whatever_dies_and_when(steps: list[tuple[str, object]]) -> None:
    world = World()
    for name, value in steps:
        world.now += 1
        match name:
            case "land":
                world.land(value)  # type: ignore[arg-type]
            case "pass":
                world.now += value  # type: ignore[operator]
            case "tick":
                world.tick(str(value))
            case "tick partly":
                world.tick(launches=int(str(value)))
            case "give the tick up":
                world.unsubmitted = []
            case "finish":
                world.finish()
    for _ in range(12):  # nothing dies any more
        world.now += 61
        world.tick()
        while world.in_flight:
            world.finish()
    assert world.ingested == world.landed
    assert world.rows == []
