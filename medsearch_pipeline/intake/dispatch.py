"""The dispatcher's decisions: which changed studies are ingested now, in which runs, and which wait.

Belongs here: pure rules over pending studies, new journal entries, active runs and the list of partitions. `pending` reads and
writes the pending studies; `sensors/ingest_sensor.py` queries Dagster and launches runs.

**Nothing is lost.** A journal entry is durable before anyone acts on it, and is kept at least until it counts as taken.
Pending studies and taken entries are one object, written by one put before Dagster is asked to run anything. A study is
removed from it only when a later tick has found, in Dagster's own storage, a run with the run key that was requested for it.
Neither a cursor nor the memory of a process is involved. So wherever the daemon or the code server dies:

- *Before the put*: the tick had no effect. The next one takes the same entries.
- *After the put, before Dagster stores the tick's requests* (the sensor is killed, times out, or its result is not stored): no
  run has those run keys, and Dagster does not resume the tick. The next tick finds no run, and the studies are pending again,
  with their original times.
- *After the requests are stored, before or while runs are launched*: the daemon resumes that tick, using its reserved run ids,
  before it evaluates the sensor again; a run with that id or key is not launched twice. If the daemon abandons a tick (it
  failed twice, or is a day old), some run keys have no run: only those studies are pending again.
- *After all runs are launched, before the tick is stored*: it is resumed, and every request finds its run. The next tick finds
  the runs, and the studies are removed.
- *A run was created but never started*: it has its run key, so it counts. Dagster's monitor fails runs that do not start, and
a
  run that fails without a failed step is retried (`dagster.yaml`).

**What may happen twice**: a study whose run ended and was deleted from Dagster before the next tick, and entries taken by a
sensor that timed out and wrote after its successor. The second run compares digests and finds the study unchanged. A run's
final failure (a failed step, the last retry) is not handled here: the study is stale by its digests, and upkeep finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from medsearch_core.keys import StudyKey
from medsearch_pipeline.intake.journal import Entry
from medsearch_pipeline.orchestration.partition_spans import places_in

MAX_GAP = 16
"""Unchanged partitions that a run may include: reading the footers of 16 studies costs less than another run."""


@dataclass(frozen=True, order=True)
class PendingStudy:
    """A changed study whose run has not been found yet.

    Args:
        first, last: when the first and the last observation of a change began, UTC.
        run_key: of the run that was requested for it, if any.
    """

    study: StudyKey
    first: datetime
    last: datetime
    run_key: str | None = None


@dataclass(frozen=True)
class SettleLimits:
    """How long a study may settle.

    Args:
        settle: a study is due when it has not changed for this long,
        max_wait: or when its first change is this long ago.
    """

    settle: timedelta
    max_wait: timedelta

    def is_due(self, row: PendingStudy, now: datetime) -> bool:
        """Whether a study is due."""
        return now - row.last >= self.settle or now - row.first >= self.max_wait


@dataclass(frozen=True)
class PartitionRange:
    """A run to request: the partitions from `start` to `end`, both due, and how many of them are due."""

    run_key: str
    start: str
    end: str
    partitions: int
    studies: Sequence[StudyKey]


@dataclass(frozen=True)
class DispatchPlan:
    """What a tick does.

    Args:
        pending: every study pending after it; those that it requests have a run key.
        busy: due studies in an active run.
        without_free_run: due studies that exceed the limit of concurrent runs.
    """

    ranges: Sequence[PartitionRange]
    pending: Sequence[PendingStudy]
    busy: int
    without_free_run: int


def remaining(rows: Iterable[PendingStudy], launched: Collection[str]) -> list[PendingStudy]:
    """The pending studies after a tick: those with a launched run are removed, those whose run never launched are pending
    again."""
    return [replace(row, run_key=None) for row in rows if row.run_key is None or row.run_key not in launched]


def merge_entries(rows: Iterable[PendingStudy], entries: Iterable[Entry]) -> list[PendingStudy]:
    """The pending studies with the changes of new journal entries, by study."""
    found = {row.study: row for row in rows}
    for entry in entries:
        for study in entry.studies:
            row = found.get(study, PendingStudy(study, entry.observed, entry.observed))
            found[study] = replace(row, first=min(row.first, entry.observed), last=max(row.last, entry.observed))
    return [found[study] for study in sorted(found)]


def requeue(rows: Sequence[PendingStudy], studies: Iterable[StudyKey], since: datetime) -> list[PendingStudy]:
    """The pending studies with those whose run died and was not retried, as if they had changed at `since`; by study."""
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
    """Plans runs for the due studies, those that have waited longest first.

    A study in the range of an active run waits for its end: two runs never write the same study.

    Args:
        keys: every partition in Dagster's order; the due studies are among them.
        in_flight: first and last partition of each unfinished run, whoever launched it.
        token: part of every run key of this tick, and of no other tick.
        free: how many runs may be requested.
        max_gap, max_partitions: see `ranges`.
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
    """Contiguous ranges that cover these positions in the list of partitions, in order; each begins and ends with one of them.

    Args:
        max_gap: largest gap that a range bridges, because an unchanged study costs less than another run.
        max_partitions: of a range.
        taken: positions that no range may include.
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
    """The sorted positions in each range."""
    members: dict[range, list[int]] = {each: [] for each in found}
    coming = iter(places)
    for each in found:
        while not members[each] or members[each][-1] != each[-1]:
            members[each].append(next(coming))
    return members
