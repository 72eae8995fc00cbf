"""The day itself: every step at its time, then quiet, then the account; and a second pass that must find nothing to do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from medsearch_core.records import TOMBSTONES, LedgerEntry
from medsearch_core.search.open import open_index
from medsearch_core.storage.warehouse import LEDGER_PATH
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.sensors.ingest_sensor import AGAIN_TAG, RETRIED_TAG, WILL_RETRY_TAG
from medsearch_pipeline.settings import Settings
from tests.support.hospital_day.place import Place
from tests.support.hospital_day.plan import POISON, Day, Step
from tests.support.waiting import wait_until

UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
BUCKET_FOLDER = "landing/"
PATIENCE_SECONDS = 1800.0
"""For what comes for certain, however slow the machine: only a day that is stuck waits so long."""


@dataclass
class Account:
    """What was found when all was quiet. `differences` must be empty; the rest tells how it went."""

    differences: list[str] = field(default_factory=list)
    counts: dict[str, object] = field(default_factory=dict)
    seconds: float = 0.0


class Run:
    """A day lived in a place."""

    def __init__(self, place: Place, day: Day, tell: Callable[[str], None] = print) -> None:
        self.place, self.day, self.tell = place, day, tell
        self.killed: list[str] = []
        self.noon: dict[str, str] = {}
        self._is_to_kill_a_run = False
        self._began = 0.0

    def live(self) -> float:
        """Does every step at its time; returns the seconds until all was quiet again."""
        self.place.send('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "hospital"}')
        self.place.start_daemon()
        wait_until("the sensors run", lambda: bool(self.place.ticks("landing_sensor")), PATIENCE_SECONDS)
        started = self._began = time.monotonic()
        for number, step in enumerate(self.day.steps):
            while (early := step.at - (time.monotonic() - self._began)) > 0:
                time.sleep(min(0.2, early))
                self._kill_run()
            if step.verb == "take ledger":
                self._wait_for_noon(self.day.steps[number:])
            self._do(step)
        self.tell(f"{time.monotonic() - started:.0f} s: the last object has landed")
        wait_until("a run was killed", lambda: self._kill_run() or self.is_quiet(), PATIENCE_SECONDS, every=0.2)
        wait_until("all is quiet", self.is_quiet, 2 * PATIENCE_SECONDS)
        return time.monotonic() - started

    def _wait_for_noon(self, afternoon: Sequence[Step]) -> None:
        """Stops the day's clock until a study is embedded and all that the afternoon deletes or replaces is known.

        A machine that is slow would take its ledger of nothing else, and nothing of it could be missed later.
        """
        began = time.monotonic()
        landed = {o.key for o in self.place.landing.list()}
        goes = landed & {step.key for step in afternoon if step.verb in ("put", "delete")}
        wait_until("what goes in the afternoon is known", lambda: goes <= {o.key for o in self.place.known()}, PATIENCE_SECONDS)
        wait_until("a study is embedded", self._has_embedded, PATIENCE_SECONDS, every=0.2)
        self._began += time.monotonic() - began

    def _has_embedded(self) -> bool:
        self._kill_run()
        return next(iter(self.place.warehouse.store.list("embeddings")), None) is not None

    def _kill_run(self) -> bool:
        """Kills a run if one is still to be killed and one works; whether none is to be killed any more."""
        run = self.place.kill_run() if self._is_to_kill_a_run else None
        if run:
            self.killed.append(run)
            self._is_to_kill_a_run = False
            self.tell(f"kill -9 of run {run}")
        return not self._is_to_kill_a_run

    def _do(self, step: Step) -> None:
        place, key = self.place, f"{BUCKET_FOLDER}{step.key}"
        match step.verb:
            case "put":
                place.s3.put_object(Bucket="hospital", Key=key, Body=step.data)
            case "put silently":
                place.notify(False)
                place.s3.put_object(Bucket="hospital", Key=key, Body=step.data)
                place.notify(True)
            case "delete":
                place.s3.delete_object(Bucket="hospital", Key=key)
            case "send duplicate":
                place.send(place.event("ObjectCreated:Put", step.key))
            case "send stale removal":
                place.send(place.event("ObjectRemoved:Delete", step.key))
            case "send poison":
                place.send(step.data.decode())
            case "take ledger":
                self.noon = {e.key: e.state for e in self.take_ledger() if e.state not in TOMBSTONES}
                self.tell(f"ledger at noon: {dict(Counter(self.noon.values()))}")
            case "kill run":
                self._is_to_kill_a_run = True
            case "kill daemon":
                place.kill_daemon()
                self.tell("kill -9 of the daemon")
            case "start daemon":
                place.start_daemon()
            case _:
                raise AssertionError(step.verb)

    def is_quiet(self) -> bool:
        """Whether all that landed is known, and no message, study or run waits: asked in the order they follow each other."""
        place = self.place
        if {r.key: r.etag for r in place.known()} != {o.key: o.etag for o in place.landing.list()}:
            return False
        if place.waiting_messages(place.queue) > self._poison_left():
            return False
        state = pending.read(place.warehouse)
        if state is None or state.rows or set(journal.names(place.warehouse)) - state.taken:
            return False
        return not any(run.status in UNFINISHED or _will_be_retried(run) for run in place.runs())

    def _poison_left(self) -> int:
        """How many messages that nobody can read are not dead letters yet: each has to be received three times first."""
        return len(POISON) - self.place.waiting_messages(self.place.dead_letters)

    def take_ledger(self) -> list[LedgerEntry]:
        """Runs ledger_job in this process; its rows."""
        self._run("ledger_job")
        return self.place.warehouse.read_rows(LedgerEntry, LEDGER_PATH)

    def _run(self, job: str, tags: Mapping[str, str] | None = None) -> None:
        """Runs a job in this process, beside the daemon's."""
        found = build_definitions(Settings()).resolve_job_def(job)
        assert found.execute_in_process(instance=self.place.instance, tags=tags).success

    def account(self) -> Account:
        """Compares what the script expects with bucket, ledger, Parquet, pictures, index, queues and runs."""
        found, place, expected = Account(), self.place, self.day.expected
        self._run("inventory_job")
        ledger = self.take_ledger()
        states = {e.key: (e.state, e.reason) for e in ledger if e.state not in TOMBSTONES}
        found.differences += [
            f"{key}: {states.get(key)} and not {expected.states.get(key)}"
            for key in sorted(expected.states.keys() | states.keys())
            if states.get(key) != expected.states.get(key)
        ]
        tombstones = {e.key: e.state for e in ledger if e.state in TOMBSTONES}
        found.differences += [
            f"{key} was landed at noon and has no tombstone" for key in self.noon if key not in states and key not in tombstones
        ]
        found.differences += [
            f"{key} is {state} and should not be"
            for key, state in tombstones.items()
            if key not in (expected.deleted if state == "deleted" else expected.superseded)
        ]
        if self.noon.keys() <= states.keys():
            found.differences.append("nothing that was landed at noon went later: its tombstones say nothing")
        health = open_index(Settings()).health()
        pictures = sum(o.key.endswith(".png") for o in place.warehouse.store.list("thumbnails"))
        objects = list(place.landing.list())
        images = sum(e.images for e in ledger if e.state == "indexed")
        self._same(found, "images", expected.images, index=health.images, pictures=pictures, ledger=images)
        self._same(found, "reports", expected.reports, index=health.reports)
        self._same(found, "landed", len(expected.states), bucket=len(objects), ledger=len(states))
        dead = place.waiting_messages(place.dead_letters)
        self._same(found, "poison", len(POISON), kept=place.waiting_messages(place.queue) + dead)
        found.counts["dead letters"] = dead
        found.counts["bytes"] = sum(o.bytes for o in objects)
        found.counts["states"] = dict(Counter(e.state for e in ledger))
        runs = place.runs()
        found.counts["runs"] = dict(Counter(f"{r.job_name} {r.status.value}" for r in runs))
        found.differences += [f"run {r.run_id} of {r.job_name} is {r.status.value}" for r in runs if r.status in UNFINISHED]
        failed = [r for r in runs if r.status == dg.DagsterRunStatus.FAILURE and r.tags.get(WILL_RETRY_TAG) != "true"]
        found.differences += [f"run {r.run_id} of {r.job_name} failed" for r in failed]
        found.counts["killed"] = f"{len(self.killed)} runs and a daemon"
        check = place.last_check("ledger", "every_object_is_accounted_for")
        if check is not True:
            found.differences.append("every_object_is_accounted_for did not pass")
        return found

    def second_pass(self) -> list[str]:
        """Notifies again, takes inventory, ingests all studies again; what changed by it, which must be nothing."""
        place = self.place
        before, runs = place.contents(), len(place.runs())
        entries = set(journal.names(place.warehouse))
        for key in sorted(self.day.expected.states)[:: max(1, len(self.day.expected.states) // 500)]:
            place.send(place.event("ObjectCreated:Put", key))
        wait_until("the queue is read", lambda: place.waiting_messages(place.queue) <= self._poison_left(), PATIENCE_SECONDS)
        place.wait_for_a_whole_scan()
        differences = [f"{len(place.runs()) - runs} runs were requested"] if len(place.runs()) != runs else []
        self._run("inventory_job")
        if fresh := set(journal.names(place.warehouse)) - entries:
            differences.append(f"{len(fresh)} journal entries were written")
        keys = place.instance.get_dynamic_partitions("patient_study")
        span = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
        self._run("ingest_job", span)
        self.take_ledger()
        after = place.contents()
        return differences + [f"{path} changed" for path in sorted(before.keys() ^ after.keys()) + _changed(before, after)]

    def _same(self, found: Account, what: str, expected: int, **counted: Any) -> None:
        found.counts[what] = {"expected": expected, **counted}
        if set(counted.values()) != {expected}:
            found.differences.append(f"{what}: expected {expected}, counted {counted}")


def _will_be_retried(run: dg.DagsterRun) -> bool:
    """Whether Dagster, or else `ingest_sensor`, has still to run a run again that died."""
    is_done = RETRIED_TAG in run.tags or AGAIN_TAG in run.tags or run.tags.get(WILL_RETRY_TAG) == "false"
    return run.status == dg.DagsterRunStatus.FAILURE and not is_done


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(key for key in before.keys() & after.keys() if before[key] != after[key])
