"""`events_sensor`: looks up the objects that the landing bucket's events name, and journals their changes."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from medsearch_core.keys import StudyKey
from medsearch_core.records import CHANGES
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.changes import Observation
from medsearch_pipeline.intake.events.consumer import ConsumeResult, Limits, consume
from medsearch_pipeline.intake.events.queue import open_queue
from medsearch_pipeline.intake.events.s3_notifications import LandingPlace, parse_keys
from medsearch_pipeline.intake.lookup import LookupResult, look_up
from medsearch_pipeline.intake.pseudonyms import pseudonym_secret
from medsearch_pipeline.intake.recorder import ScanResult, record
from medsearch_pipeline.intake.unchanged_content import inputs_by_kind
from medsearch_pipeline.resources import StoreResource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import Layout

SECONDS = 15
MAX_LOGGED = 20
NO_DEAD_LETTERS = (
    "the queue has no redrive policy: give it a dead-letter queue, or unreadable messages return until they expire"
)


@dataclass(slots=True)
class Tally:
    """The combined results of a tick's rounds."""

    changes: Counter[str] = field(default_factory=Counter)
    """How many objects were added, replaced, removed, and how many only got a new tag."""
    studies: set[StudyKey] = field(default_factory=set)
    unaddressable: list[str] = field(default_factory=list)
    """Keys that S3 allows but the store cannot address."""

    def add(self, looked: LookupResult, recorded: ScanResult) -> None:
        self.changes.update({kind: getattr(recorded, kind) for kind in CHANGES})
        self.studies.update(recorded.studies)
        self.unaddressable += looked.unaddressable


def build_events_sensor(settings: Settings) -> dg.SensorDefinition | None:
    """The `events_sensor` of a deployment; None where no queue is configured."""
    url = settings.events_queue
    if not url:
        return None
    layout, place, inputs_of = Layout.of(settings.layout), LandingPlace.of(settings.landing), inputs_by_kind(settings)

    @dg.sensor(
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus[settings.sensors.upper()],
        description="Looks up the objects that the landing bucket's events name, and journals their changes. Requests no runs.",
    )
    def events_sensor(
        context: dg.SensorEvaluationContext, landing: StoreResource, warehouse: WarehouseResource
    ) -> dg.SkipReason:
        store, tables, tally = landing.open(), Warehouse(warehouse.open()), Tally()
        queue = open_queue(url, settings.s3_region, settings.sqs_endpoint)
        has_dead_letters = queue.has_dead_letters()
        store.check()  # before receiving: each failed delivery counts toward the dead-letter limit
        tables.store.check()
        secret = pseudonym_secret(tables.store, settings.pseudonym_key)

        def record_seen(keys: Sequence[str]) -> Collection[str]:
            observed = datetime.now(UTC)
            looked = look_up(store, keys)
            seen = [Observation(key, info) for key, info in looked.seen.items()]
            recorded = record(store, tables, layout, secret, seen, observed, inputs_of)
            tally.add(looked, recorded)
            for key, error in list(looked.failed.items())[:MAX_LOGGED]:
                context.log.warning(f"{key} could not be looked up and will be retried: {error}")
            return looked.failed.keys()

        consumed = consume(queue, lambda body: parse_keys(body, place), record_seen, Limits(settings.events_per_tick))
        for line in warnings_of(consumed, tally):
            context.log.warning(line)
        what = format_summary(consumed, tally, has_dead_letters)
        context.log.info(what)
        return dg.SkipReason(what)

    return events_sensor


def format_summary(consumed: ConsumeResult, tally: Tally, has_dead_letters: bool) -> str:
    """The counts of a tick, on one line."""
    unread = ", ".join(sorted({fault.reason for fault in consumed.unreadable.values()}))
    fate = "left for the dead-letter queue" if has_dead_letters else "left for redelivery"
    parts = [
        _count(consumed.without_keys, "message", "messages", "without relevant changes"),
        _count(len(consumed.unreadable), "message", "messages", f"that could not be read ({unread}), {fate}"),
        _count(len(consumed.unseen), "message", "messages", "left for redelivery: an object could not be looked up"),
        _count(len(consumed.undeleted), "message", "messages", "that could not be deleted, left for redelivery"),
        _count(len(tally.unaddressable), "key", "keys", "that the store cannot address, left to the inventory"),
        "" if consumed.is_drained else "more may be waiting",
        "" if has_dead_letters else NO_DEAD_LETTERS,
    ]
    return "; ".join([_describe_lookups(consumed, tally), *filter(None, parts)])


def warnings_of(consumed: ConsumeResult, tally: Tally) -> Iterable[str]:
    """The log warnings of a tick, a few of each kind."""
    for name, fault in list(consumed.unreadable.items())[:MAX_LOGGED]:
        yield f"message {name} could not be read: {fault}"
    for name, code in list(consumed.undeleted.items())[:MAX_LOGGED]:
        yield f"message {name} could not be deleted: {code}"
    for key in tally.unaddressable[:MAX_LOGGED]:
        yield f"{key!r} is a key that the store cannot address: rename the object, unless it is a folder marker"


def _describe_lookups(consumed: ConsumeResult, tally: Tally) -> str:
    if not consumed.messages:
        return "no messages"
    looked = (
        f"{_count(consumed.messages, 'message', 'messages')}: {_count(consumed.keys, 'key', 'keys', 'looked at') or 'no keys'}"
    )
    changes = [f"{count} {kind}" for kind, count in tally.changes.items() if count]
    if changes:
        return f"{looked}, {', '.join(changes)} in {_count(len(tally.studies), 'study', 'studies') or 'no study'}"
    return f"{looked}, all unchanged" if consumed.keys else looked


def _count(count: int, one: str, many: str, what: str = "") -> str:
    """A count with its noun; empty for zero."""
    return f"{count} {one if count == 1 else many} {what}".rstrip() if count else ""
