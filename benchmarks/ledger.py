"""Times the ledger of a large landing: `python benchmarks/ledger.py [--objects 600000] [--changed 1000] [--files 2000]`.

In memory, compared with the time that plain Parquet takes to write and read the same inventory: the first ledger, a second one
with nothing changed, one after some objects were replaced, and the comparison of listing, ledger, Parquet and index.
On disk, the catalog of `--files` studies in a temporary folder: read for the first time, with nothing changed, and after one
study in a hundred changed, compared with a plain listing of the folder and a plain read of its files.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medsearch_core.columns import conformed, schema_of
from medsearch_core.keys import StudyKey, digest_of
from medsearch_core.records import (
    CatalogFile,
    EmbeddingRecord,
    EntityRecord,
    ImageRecord,
    LandedChange,
    LandedObject,
    LedgerEntry,
    Rejection,
    ReportRecord,
    ThumbnailRecord,
)
from medsearch_core.search.results import Counts, IndexHealth
from medsearch_core.storage.ledger import totals_of
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import CATALOG_PATH, Warehouse, rejections_path, study_path
from medsearch_pipeline.ledger.catalog import COLUMNS, IMAGE_REJECTIONS, catalog_digest, refresh_catalog
from medsearch_pipeline.ledger.reconciliation import ReconciliationInputs, reconcile
from medsearch_pipeline.ledger.states import LedgerInputs, decide_states, studies_in

OBJECTS_PER_STUDY = 3
"""Two images and, except for a few studies, a report: about what MIMIC-CXR has."""


def due(versions: Sequence[str]) -> str:
    """A digest in the pipeline's format."""
    return digest_of("benchmark", *sorted(versions))


def inventory_of(objects: int) -> pa.Table:
    """A generated inventory; every hundredth object belongs to no study."""
    number = np.arange(objects)
    study = number // OBJECTS_PER_STUDY
    is_report, is_stray = number % OBJECTS_PER_STUDY == 2, number % 100 == 99
    kind = np.where(is_stray, "rejected", np.where(is_report, "report", "dicom"))
    columns: dict[str, Any] = {
        "key": [f"files/p{s // 4}/s{s}/{n}" for n, s in zip(number, study, strict=True)],
        "bytes": 1000 + number,
        "etag": [f"{n:032x}" for n in number.tolist()],
        "kind": kind,
        "patient": pa.array([f"p{s // 4}" for s in study], mask=is_stray),
        "study": pa.array([f"s{s}" for s in study], mask=is_stray),
        "patient_id": pa.nulls(objects, pa.string()),
        "study_instance_uid": pa.nulls(objects, pa.string()),
        "report_names": [[]] * objects,
        "reason": pa.array(["unrecognised_object"] * objects, mask=~is_stray),
        "detail": pa.array(["neither a DICOM object nor a .txt report"] * objects, mask=~is_stray),
    }
    return conformed(LandedObject, pa.table(columns))


def catalog_of(inventory: pa.Table) -> pa.Table:
    """The catalog of studies made from it, in which every fiftieth image was rejected."""
    files: list[dict[str, Any]] = []
    objects: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    columns = (inventory[name].to_pylist() for name in ("patient", "study", "kind", "key", "etag", "bytes"))
    for n, (patient, study, kind, key, etag, size) in enumerate(zip(*columns, strict=True)):
        if study:
            objects.setdefault((patient, study), []).append((kind, key if n % 50 else f"!{key}", f"{key} {etag} {size}"))
    for (patient, study), landed in objects.items():
        images = [(key, version) for kind, key, version in landed if kind == "dicom"]
        reports = [(key, version) for kind, key, version in landed if kind == "report"]
        used = [{"key": key, "sha256": "0" * 64, "images": 1} for key, _ in images if key[0] != "!"]
        refused = [{"key": k[1:], "images": 0, "reason": "not_dicom", "detail": "no"} for k, _ in images if k[0] == "!"]
        texts = [{"key": key.removeprefix("!"), "sha256": "1" * 64, "images": 0} for key, _ in reports]
        of_images, of_reports = due([v for _, v in images]), due([v for _, v in reports])
        for table in COLUMNS:
            if table != "tags":
                is_report = table in ("reports", "report_entities", "rejections/report_entities")
                outcomes = {"dicom_metadata": used, "reports": texts, IMAGE_REJECTIONS: refused}.get(table, [])
                files.append(
                    {
                        "patient": patient,
                        "study": study,
                        "table_name": table,
                        "etag": "e",
                        "inputs": of_reports if is_report else of_images,
                        "run": "run",
                        "rows": len(texts) if table == "reports" else len(used),
                        "outcomes": outcomes,
                    }
                )
    return pa.Table.from_pylist(files, schema=schema_of(CatalogFile))


def write_studies(warehouse: Warehouse, studies: int) -> None:
    """Small studies on disk, without meaningful pixels or vectors."""
    for n in range(studies):
        write_study(warehouse, StudyKey(f"p{n // 4}", f"s{n}"), "1")


def write_study(warehouse: Warehouse, study: StudyKey, inputs: str) -> None:
    """A study's seven files."""
    image = ImageRecord(
        image_id=study.study,
        patient=study.patient,
        study=study.study,
        key=f"files/{study}/1.dcm",
        sha256="0" * 64,
        bytes=1,
        frame=1,
        frames=1,
        is_representative=True,
        study_instance_uid="2.25.1",
        sop_instance_uid="2.25.1",
        rows=1,
        columns=1,
    )
    vector = EmbeddingRecord(image_id=study.study, model_id="m", model_version="1", vector=[0.0] * 1024)
    warehouse.write_rows(Rejection, rejections_path("dicom_metadata", study), [], inputs)
    warehouse.write_rows(Rejection, rejections_path("report_entities", study), [], inputs)
    warehouse.write_rows(ThumbnailRecord, study_path("thumbnails", study), [], inputs)
    warehouse.write_rows(ImageRecord, study_path("dicom_metadata", study), [image, image], inputs)
    warehouse.write_rows(EmbeddingRecord, study_path("embeddings", study), [vector, vector], inputs)
    warehouse.write_rows(EntityRecord, study_path("report_entities", study), [], inputs)
    warehouse.write_rows(ReportRecord, study_path("reports", study), [], inputs)


def timed(what: str, run: Callable[[], Any], baseline: float | None = None) -> tuple[float, Any]:
    """Runs a call and prints how long it took, in seconds and relative to the baseline."""
    started = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - started
    ratio = f"  {seconds / baseline:6.1f} x" if baseline else "  baseline"
    print(f"{what:<58}{seconds:8.2f} s{ratio}", flush=True)
    return seconds, result


def expect(is_so: bool, otherwise: str) -> None:
    """Stops if the timed result is wrong."""
    if not is_so:
        raise SystemExit(otherwise)


def through_parquet(table: pa.Table) -> pa.Table:
    """The table, written as zstd Parquet and read back."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return pq.read_table(io.BytesIO(sink.getvalue()))


def decisions(objects: int, changed: int) -> None:
    """Times the decisions in memory."""
    inventory = inventory_of(objects)
    catalog = catalog_of(inventory)
    print(f"{objects} objects, {catalog.num_rows} files of {objects // OBJECTS_PER_STUDY} studies")
    base, _ = timed("plain Parquet: the inventory written and read back", lambda: through_parquet(inventory))
    _, studies = timed("studies of the catalog", lambda: studies_in(catalog), base)
    rows = zip(*(studies[name].to_pylist() for name in ("patient", "study", "documents")), strict=True)
    indexed = {StudyKey(patient, study): documents for patient, study, documents in rows}
    evidence = LedgerInputs(
        inventory=inventory,
        run="1",
        catalog=catalog,
        indexed=indexed,
        before=schema_of(LedgerEntry).empty_table(),
        noticed=conformed(LandedChange, inventory.append_column("change", pa.array(["added"] * len(inventory)))),
    )
    _, first = timed("the first ledger", lambda: decide_states(evidence, due, due), base)
    again = replace(evidence, before=first, run="2")
    _, second = timed("a second one, nothing changed", lambda: decide_states(again, due, due), base)
    expect(second.equals(first), "a second ledger differs")
    etags = inventory["etag"].to_pylist()
    etags[:changed] = ["another"] * changed
    place = inventory.schema.get_field_index("etag")
    other = inventory.set_column(place, inventory.schema.field(place), pa.array(etags))
    _, third = timed(
        f"one after {changed} were replaced", lambda: decide_states(replace(again, inventory=other), due, due), base
    )
    for ledger in (first, third):
        print("   ", {t.state: t.objects for t in totals_of(ledger).states if t.objects})
    images, reports = (sum(studies[name].to_pylist()) for name in ("images", "reports"))
    counted = ReconciliationInputs(
        inventory=inventory,
        ledger=first,
        studies=studies,
        indexed=indexed,
        health=IndexHealth(images=images, reports=reports, studies=len(indexed)),
        count=lambda _: Counts(images=0, reports=0),
    )
    _, found = timed("listing, ledger, Parquet and index compared", lambda: reconcile(counted), base)
    expect(not found.differences, "the parts do not agree")
    timed("the ledger written and read back", lambda: through_parquet(first), base)
    timed("the catalog written and read back", lambda: through_parquet(catalog), base)


def compaction(studies: int) -> None:
    """Times the catalog on disk."""
    with tempfile.TemporaryDirectory() as folder:
        warehouse = Warehouse(open_store(folder))
        write_studies(warehouse, studies)
        print(f"{studies} studies on disk, {7 * studies} files")
        listing, files = timed("plain listing of the folder", lambda: [o.key for o in warehouse.store.list()])
        reading, _ = timed("plain read of every file", lambda: [warehouse.store.read(key) for key in files])
        _, first = timed("the first catalog", lambda: refresh_catalog(warehouse), listing + reading)
        warehouse.write(CATALOG_PATH, first.table, catalog_digest())
        _, second = timed("with nothing changed", lambda: refresh_catalog(warehouse), listing)
        expect(not second.is_changed, "an unchanged catalog was read again")
        for n in range(0, studies, 100):
            write_study(warehouse, StudyKey(f"p{n // 4}", f"s{n}"), "2")
        _, third = timed("one study in a hundred changed", lambda: refresh_catalog(warehouse), listing)
        print(f"    {third.files_read} files read, {third.files_reused} reused")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=600_000)
    parser.add_argument("--changed", type=int, default=1_000)
    parser.add_argument("--files", type=int, default=2_000, help="studies on disk")
    given = parser.parse_args()
    decisions(given.objects, given.changed)
    compaction(given.files)
