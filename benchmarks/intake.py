"""Times scans of a large landing store: reading the known state, ticks with few and with many changes, the inventory.

python -m benchmarks.intake FOLDER [OBJECTS] [FILES]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from medsearch_core.columns import conformed, schema_of
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.changes import observations_between
from medsearch_pipeline.intake.compaction import placement_digest, scan_full_store
from medsearch_pipeline.intake.inventory import PATH, current_inventory
from medsearch_pipeline.intake.recorder import ScanRound
from medsearch_pipeline.settings.layout import MIMIC_CXR

SECRET = b"benchmark"
Result = TypeVar("Result")


def main(folder: Path, objects: int, files: int) -> None:
    """Prints a line for each measurement."""
    warehouse, landing = Warehouse(open_store(str(folder / "warehouse"))), open_store(str(folder / "landing"))
    rows = inventory(objects)
    warehouse.write(PATH, rows, placement_digest(MIMIC_CXR, SECRET))
    rows = timed(f"known, {objects:,} rows", lambda: current_inventory(warehouse))
    window = [
        ObjectInfo(*of) for of in zip(*(rows[c].slice(0, 20_000).to_pylist() for c in ("key", "bytes", "etag")), strict=True)
    ]
    timed("a tick over 20,000 objects, none changed", lambda: tick(warehouse, window))
    changed = [ObjectInfo(i.key, i.bytes + 1, "other") if n % 20 == 0 else i for n, i in enumerate(window)]
    timed("a tick over 20,000 objects, 1,000 of them replaced", lambda: tick(warehouse, changed))
    new = [ObjectInfo(i.key.replace(".dcm", "n.dcm"), i.bytes, i.etag) for i in window]
    timed("a tick over 20,000 objects, all of them new", lambda: tick(warehouse, sorted([*window, *new], key=lambda i: i.key)))
    timed(f"known, with {len(new) + 1000:,} changes in the journal", lambda: current_inventory(warehouse))
    make(folder / "landing", files)
    after, slowest, ticks = "", 0.0, 0
    while True:
        began = time.perf_counter()
        found = landing.scan(after, 20_000)
        slowest, ticks = max(slowest, time.perf_counter() - began), ticks + 1
        if len(found) < 20_000:
            break
        after = found[-1].key
    print(f"{files:,} files scanned in {ticks} parts of 20,000, the slowest in {slowest:.2f} s")
    empty = Warehouse(open_store(str(folder / "empty")))

    def everything() -> None:
        scan_full_store(landing, empty, MIMIC_CXR, SECRET, {}, datetime.now(UTC), is_removal_confirmed=True)

    timed(f"all of {files:,} files, all new", everything)
    timed(f"all of {files:,} files, none changed but placed anew", everything)


def inventory(objects: int) -> pa.Table:
    """Rows in MIMIC-CXR's layout: two images and a report per study."""
    number = np.arange(objects) // 3
    patients = [f"p{10_000_000 + n // 4 % 10_000_000}" for n in number.tolist()]
    studies = [f"s{50_000_000 + n}" for n in number.tolist()]
    kinds = ["report" if n % 3 == 2 else "dicom" for n in range(objects)]
    keys = [
        f"files/{p[:3]}/{p}/{s}.txt" if k == "report" else f"files/{p[:3]}/{p}/{s}/{n % 3}.dcm"
        for n, (p, s, k) in enumerate(zip(patients, studies, kinds, strict=True))
    ]
    columns = {
        "key": keys,
        "bytes": pa.array(np.full(objects, 1000)),
        "etag": [f"{n:032x}" for n in range(objects)],
        "kind": kinds,
        "patient": patients,
        "study": studies,
        "report_names": pa.array([[]] * objects, pa.list_(pa.string())),
    }
    empty = {f.name: pa.nulls(objects, f.type) for f in schema_of(LandedObject) if f.name not in columns and f.nullable}
    return conformed(LandedObject, pa.table({**columns, **empty})).sort_by("key")


def tick(warehouse: Warehouse, found: list[ObjectInfo]) -> None:
    """The sensor's processing of a scan's result."""
    looked = ScanRound(warehouse.store, warehouse, MIMIC_CXR, SECRET, {})
    looked.assign_studies(looked.find_changed(observations_between(looked.inventory.rows, "", found, is_end=False)))
    looked.commit(datetime.now(UTC))


def make(folder: Path, files: int) -> None:
    """Small files in MIMIC-CXR's layout."""
    for number in range(files // 2):
        patient = f"p{10_000_000 + number // 10}"
        place = folder / "files" / patient[:3] / patient / f"s{50_000_000 + number}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "1.dcm").write_bytes(b"x")
        (place.parent / f"{place.name}.txt").write_bytes(b"x")


def timed(what: str, work: Callable[[], Result]) -> Result:
    """Runs an action and prints how long it took."""
    began = time.perf_counter()
    result = work()
    print(f"{what}: {time.perf_counter() - began:.2f} s", flush=True)
    return result


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        int(sys.argv[2]) if len(sys.argv) > 2 else 600_000,
        int(sys.argv[3]) if len(sys.argv) > 3 else 100_000,
    )
