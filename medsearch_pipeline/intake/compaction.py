"""Compacting the journal into the inventory, and scanning the whole store. Only the `inventory` asset does this."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from medsearch_core.columns import records_of
from medsearch_core.keys import digest_of
from medsearch_core.records import LandedObject, Rejection
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.intake.changes import observations_between
from medsearch_pipeline.intake.inventory import PATH, Inventory, read_inventory
from medsearch_pipeline.intake.placement import rejections_of
from medsearch_pipeline.intake.recorder import ScanResult, ScanRound
from medsearch_pipeline.intake.unchanged_content import InputsDigests
from medsearch_pipeline.settings.layout import Layout

REJECTIONS_PATH = "rejections/inventory.parquet"
PLACING_VERSION = "3"
"""Version of the rules that place or exclude objects. A new version places every object again."""
WINDOW = 20_000
BYTES_COMPARED = 2**36
ENTRY_RETENTION = timedelta(days=7)
"""How long an entry is kept that no dispatcher takes."""
RETIRED_RETENTION = timedelta(days=30)
"""How much longer an entry is kept if no ledger runs."""


def placement_digest(layout: Layout, secret: bytes) -> str:
    """The digest of everything that places objects in studies, apart from the objects."""
    return digest_of(
        "placing", PLACING_VERSION, layout.pattern.pattern, hashlib.blake2b(b"placing", key=secret, digest_size=16).hexdigest()
    )


def scan_full_store(
    landing: ObjectStore,
    warehouse: Warehouse,
    layout: Layout,
    secret: bytes,
    inputs_of: InputsDigests,
    observed: datetime,
    *,
    is_removal_confirmed: bool,
) -> ScanResult:
    """Compares every object of the landing store with the inventory, and journals the differences.

    Every report is joined again. After a change of layout or secret, every object is placed again.

    Raises:
        StorageError: the listing or a read failed. A read error is never treated as an empty store.
        RemovalUnconfirmed: most known objects are missing, and nobody confirmed that.
    """
    inventory = read_inventory(warehouse)
    is_anew = inventory.inputs != placement_digest(layout, secret)
    scan = ScanRound(
        landing,
        warehouse,
        layout,
        secret,
        inputs_of,
        inventory=inventory,
        is_whole=True,
        replaces_all=is_anew,
        bytes_compared=BYTES_COMPARED,
    )
    after, is_end = "", False
    while not is_end:
        infos = landing.scan(after, WINDOW)
        is_end = len(infos) < WINDOW
        scan.assign_studies(scan.find_changed(observations_between(inventory.rows, after, infos, is_end)))
        after = infos[-1].key if infos else after
    return scan.commit(observed, is_removal_confirmed=is_removal_confirmed)


def compact_journal(warehouse: Warehouse, inputs: str, now: datetime) -> Inventory:
    """Writes the inventory if it changed, and removes the journal entries that are no longer needed.

    An entry is retired once the inventory contains it and the dispatcher has taken it, or after `ENTRY_RETENTION`, or where no
    dispatcher ever ran: a first load by a backfill need not be dispatched again. A retired entry is deleted once the ledger
        has
    taken it too, which records the versions that came and went since the previous ledger.
    """
    inventory = read_inventory(warehouse)
    if inventory.unmerged_entries or inventory.inputs != inputs:
        ordered = inventory.rows.sort_by([("patient", "ascending"), ("study", "ascending"), ("key", "ascending")])
        refused = ordered.filter(ordered["reason"].is_valid())
        warehouse.write_rows(Rejection, REJECTIONS_PATH, rejections_of(records_of(LandedObject, refused)))
        warehouse.write(PATH, ordered, inputs, entries=inventory.entries)
    taken = pending.dispatched_entries(warehouse)
    done = [
        name for name in inventory.entries if taken is None or name in taken or journal.observed(name) < now - ENTRY_RETENTION
    ]
    accounted = warehouse.entries(LEDGER_PATH)
    journal.retire(warehouse, [name for name in done if name not in accounted])
    journal.remove(warehouse, [name for name in done if name in accounted])
    too_old = now - RETIRED_RETENTION
    ended = [name for name in journal.retired(warehouse) if name in accounted or journal.observed(name) < too_old]
    journal.remove(warehouse, ended, journal.RETIRED)
    return inventory
