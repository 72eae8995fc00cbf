"""The dispatcher's decisions: which studies that changed are ingested now, in which runs, and which wait.

Belongs here: pure rules over what waits, what is new in the journal, what runs and the list of partitions. Reading and keeping
what waits is `pending`, asking Dagster and launching are `sensors/ingest_sensor.py`.

**Nothing is lost.** A journal entry is durable before anybody is told of it, and stays at least until it counts as taken. What
waits and which entries were taken are one object, written by one put, before Dagster is told to run anything; a study leaves it
only when a later tick has seen, in Dagster's own storage, a run with the run key under which it was requested. Neither a
cursor nor the memory of any process is asked. So wherever the daemon or the code server dies:

- *Before the put*: the tick never was. The next one takes the same entries.
- *After the put, before Dagster has the tick's requests* (the sensor is killed, times out, or its answer is not stored): no run
  has those run keys, and no tick is resumed for them. The next tick finds none, and the studies wait again, with the times
  they had.
- *After the requests were stored, before or while runs are launched*: the daemon resumes that tick, by the run ids reserved in
  it, before it evaluates the sensor again; what has a run by that id or key is not launched twice. A tick that the daemon
  gives up (it failed twice, or lay for a day) leaves some run keys without a run: just those studies wait again.
- *After all runs were launched, before the tick was stored*: it is resumed, and every request finds its run. The next tick sees
  the runs, and the studies leave.
- *A run was created and never started*: it has its run key, so it counts. Dagster's monitor fails what does not start, and what
  failed without a failed step is retried (`dagster.yaml`).

**What may be done twice**: a study whose run ended and was deleted from Dagster before the next tick; entries taken by a sensor
that timed out and wrote after its successor. The second run compares digests and finds it unchanged. What a run gives up for
good (a failed step, the last retry) is not the dispatcher's: the study is stale by its digests, and upkeep finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from medsearch_core.keys import StudyKey
from medsearch_pipeline.intake.journal import Entry
from medsearch_pipeline.orchestration.partition_spans import places_in

MAX_GAP = 16
"""Partitions a run may look at along the way: 16 unchanged studies are some 50 footers, less than another run costs."""


@dataclass(frozen=True, order=True)
class PendingStudy:
    """A study that changed and whose run is not yet seen.

    Args:
        first, last: when the first and the last observation began that noticed a change, UTC.
        run_key: of the run that was requested for it; None while none was.
    """

    study: StudyKey
    first: datetime
    last: datetime
    run_key: str | None = None


@dataclass(frozen=True)
class SettleLimits:
    """How long a study is left to grow.

    Args:
        settle: a study is due when it has not changed for so long,
        max_wait: or when its first change is so long ago.
    """

    settle: timedelta
    max_wait: timedelta

    def is_due(self, row: PendingStudy, now: datetime) -> bool:
        """Whether a study is due."""
        return now - row.last >= self.settle or now - row.first >= self.max_wait


@dataclass(frozen=True)
class PartitionRange:
    """A run to request: the partitions from `start` to `end`, both due, and how many of those between are."""

    run_key: str
    start: str
    end: str
    partitions: int
    studies: Sequence[StudyKey]


@dataclass(frozen=True)
class DispatchPlan:
    """What a tick does.

    Args:
        pending: every study that waits after it, those it requests with the run key.
        busy: due studies that a run already works on, or will.
        without_free_run: due studies for which no run is free.
    """

    ranges: Sequence[PartitionRange]
    pending: Sequence[PendingStudy]
    busy: int
    without_free_run: int


def remaining(rows: Iterable[PendingStudy], launched: Collection[str]) -> list[PendingStudy]:
    """What waits after a tick: studies whose run was launched are done, those whose run never was wait again."""
    return [replace(row, run_key=None) for row in rows if row.run_key is None or row.run_key not in launched]


def merge_entries(rows: Iterable[PendingStudy], entries: Iterable[Entry]) -> list[PendingStudy]:
    """What waits with what new journal entries noticed, by study."""
    found = {row.study: row for row in rows}
    for entry in entries:
        for study in entry.studies:
            row = found.get(study, PendingStudy(study, entry.observed, entry.observed))
            found[study] = replace(row, first=min(row.first, entry.observed), last=max(row.last, entry.observed))
    return [found[study] for study in sorted(found)]


def requeue(rows: Sequence[PendingStudy], studies: Iterable[StudyKey], since: datetime) -> list[PendingStudy]:
    """What waits with studies whose run died and was not run again, as if they had changed at `since`; by study."""
    found = {study: PendingStudy(study, since, since) for study in studies} | {row.study: row for row in rows}
    return [found[study] for study in sorted(found)]


def plan_dispatch(
    pending: Sequence[PendingStudy],
    due: Iterable[PendingStudy],
    keys: Sequence[str],
    in_flight: Iterable[tuple[str, str]],
    *,
    token: str,
    free: int,
    max_gap: int,
    max_partitions: int,
) -> DispatchPlan:
    """Requests runs for the due studies, those that have waited longest first.

    A study in the range of a run in flight waits until that run has ended: two runs never write one study.

    Args:
        keys: every partition in Dagster's order; the due studies are among them.
        in_flight: first and last partition of each run that is not finished, whoever launched it.
        token: in every run key of this tick, and of no other.
        free: how many runs may be requested.
        max_gap, max_partitions: as `ranges` takes them.
    """
    places = {key: place for place, key in enumerate(keys)}
    taken = places_in(in_flight, places)
    rows = {places[row.study.partition]: row for row in due}
    ready = [place for place in rows if not any(place in each for each in taken)]
    found = ranges(ready, max_gap, max_partitions, taken)
    due_in = _members(sorted(ready), found)
    oldest = sorted(found, key=lambda each: (min(rows[place].first for place in due_in[each]), each.start))[: max(free, 0)]
    spans = [
        PartitionRange(
            f"ingest-{token}-{n}", keys[each[0]], keys[each[-1]], len(each), [rows[place].study for place in due_in[each]]
        )
        for n, each in enumerate(oldest)
    ]
    requested = {study: span.run_key for span in spans for study in span.studies}
    return DispatchPlan(
        ranges=spans,
        pending=[replace(row, run_key=requested.get(row.study)) for row in pending],
        busy=len(rows) - len(ready),
        without_free_run=len(ready) - len(requested),
    )


def ranges(places: Iterable[int], max_gap: int, max_partitions: int, taken: Collection[range] = ()) -> list[range]:
    """Contiguous ranges that hold all these places in the list of partitions, in their order; each begins and ends with one.

    Args:
        max_gap: a gap of so many partitions is run along, for an unchanged study costs a look and another run seconds.
        max_partitions: partitions a range may have.
        taken: places that no range may run along.
    """
    found: list[range] = []
    for place in sorted(set(places)):
        last = found[-1] if found else None
        if (
            last
            and place - last.stop <= max_gap
            and place - last.start < max_partitions
            and not any(each.start < place and each.stop > last.stop for each in taken)
        ):
            found[-1] = range(last.start, place + 1)
        else:
            found.append(range(place, place + 1))
    return found


def _members(places: Sequence[int], found: Sequence[range]) -> Mapping[range, list[int]]:
    """Those of the sorted places that lie in each range."""
    members: dict[range, list[int]] = {each: [] for each in found}
    coming = iter(places)
    for each in found:
        while not members[each] or members[each][-1] != each[-1]:
            members[each].append(next(coming))
    return members
