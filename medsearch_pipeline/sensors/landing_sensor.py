"""`landing_sensor`: scans the landing store part by part, and journals changes.

It requests no runs; `ingest_sensor` does, from the journal. The decisions are in `intake.changes`.
"""

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import dagster as dg

from medsearch_core.records import CHANGES
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.changes import check_mass_deletion, observations_between
from medsearch_pipeline.intake.pseudonyms import pseudonym_secret
from medsearch_pipeline.intake.recorder import ScanResult, ScanRound
from medsearch_pipeline.intake.unchanged_content import inputs_by_kind
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.resources import StoreResource, WarehouseResource
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import Layout

CURSOR_VERSION = 1
SECONDS_PER_TICK = 20.0
BYTES_COMPARED = 2**40
"""More than a tick has time for: a tick ends by its time limit."""
OBJECTS_PER_STEP = 100
"""Objects placed between two checks of the clock: each may need its header, or all of its bytes."""


@dataclass(frozen=True)
class Cursor:
    """The position of a scan.

    Args:
        landing: address of the store; a cursor of another store is ignored.
        after: the last scanned key; empty at the beginning.
        ticks: ticks since the beginning.
    """

    landing: str
    after: str = ""
    ticks: int = 0

    def to_json(self) -> str:
        """The cursor as Dagster stores it."""
        return json.dumps({"version": CURSOR_VERSION, **asdict(self)})

    @classmethod
    def read(cls, text: str | None, landing: str) -> "Cursor":
        """The stored cursor; one at the beginning if there is none, or it is of another store or version."""
        try:
            kept = json.loads(text or "{}")
            if kept.pop("version", None) == CURSOR_VERSION and kept["landing"] == landing:
                return cls(**kept)
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
        return cls(landing)


def build_landing_sensor(settings: Settings) -> dg.SensorDefinition:
    """The `landing_sensor` of a deployment."""
    layout, inputs_of = Layout.of(settings.layout), inputs_by_kind(settings)

    @dg.sensor(
        minimum_interval_seconds=settings.scan_interval_seconds,
        default_status=dg.DefaultSensorStatus[settings.sensors.upper()],
        description="Scans the landing store, a bounded part at a time, and journals new, changed and deleted objects.",
    )
    def landing_sensor(
        context: dg.SensorEvaluationContext, landing: StoreResource, warehouse: WarehouseResource
    ) -> dg.SensorResult:
        store, tables, observed = landing.open(), Warehouse(warehouse.open()), datetime.now(UTC)
        cursor = Cursor.read(context.cursor, store.url)
        secret = pseudonym_secret(tables.store, settings.pseudonym_key)
        scan = ScanRound(store, tables, layout, secret, inputs_of, bytes_compared=BYTES_COMPARED)
        looked, after = _scan_part(store, scan, cursor.after, settings.scan_objects_per_tick)
        recorded = scan.commit(observed)
        message = _format_summary(looked, cursor, recorded, is_end=after is None)
        context.log.info(message)
        moved = Cursor(store.url) if after is None else Cursor(store.url, after, cursor.ticks + 1)
        return dg.SensorResult(skip_reason=message, cursor=moved.to_json())

    return landing_sensor


def _scan_part(store: ObjectStore, scan: ScanRound, after: str, limit: int) -> tuple[int, str | None]:
    """Scans one part of the store; returns the number of objects and the last key, None at the end."""
    until = time.monotonic() + SECONDS_PER_TICK
    infos = store.scan(after, limit)
    is_end = len(infos) < limit
    rows = scan.inventory.rows
    seen = observations_between(rows, after, infos, is_end)
    gone = [each for each in seen if each.info is None]
    if gone and not infos and not store.scan("", 1):
        check_mass_deletion(len(rows), len(rows))
    check_mass_deletion(len(rows), len(gone))
    unlike = scan.find_changed(seen)
    for start in range(0, len(unlike), OBJECTS_PER_STEP):
        if start and time.monotonic() > until:
            last = unlike[start - 1].key
            return sum(info.key.encode() <= last.encode() for info in infos), last
        scan.assign_studies(unlike[start : start + OBJECTS_PER_STEP])
    return len(infos), None if is_end else infos[-1].key


def _format_summary(looked: int, cursor: Cursor, recorded: ScanResult, *, is_end: bool) -> str:
    place = f" after {cursor.after}" if cursor.after else ""
    counts = {kind: getattr(recorded, kind) for kind in CHANGES}
    changes = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count or kind != "retagged")
    end = f"; scanned the whole store in {counted(cursor.ticks + 1, 'tick')}" if is_end else ""
    if recorded.entry is None:
        return f"no changes in {looked:,} objects{place}{end}"
    return f"scanned {looked:,} objects{place}: {changes} in {counted(len(recorded.studies), 'study')}, journaled{end}"
