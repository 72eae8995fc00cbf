"""Taking inventory of the landing store: list, read the headers that must be read, decide, join reports.

Reading only; the decisions are in `discovery`, the asset that writes the result in `assets/inventory.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.errors import BadInput, ObjectUnreadable
from medsearch_core.keys import StudyKey, pseudonymous_study_key
from medsearch_core.records import LandedObject, records_of
from medsearch_core.storage.object_store import ObjectInfo, ObjectStore
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.discovery import (
    Layout,
    join_reports,
    place_by_key,
    place_unreadable,
    placed,
    rejected,
    still_known,
)

PATH, REJECTIONS_PATH = "inventory.parquet", "rejections/inventory.parquet"
READERS = 16
_PSEUDONYM_KEY_PATH = "pseudonym.key"


def take_inventory(
    landing: ObjectStore, layout: Layout, secret: bytes, before: Mapping[str, LandedObject]
) -> list[LandedObject]:
    """Every landed object with its study or the reason it has none, sorted by study and key.

    Headers are read, by ranged reads, only of objects whose key does not spell their study and which are not in `before` in
    the same version.

    Raises:
        StorageError: the listing or a read failed. A store that cannot be read is not an empty one.
    """

    def place(info: ObjectInfo) -> LandedObject:
        by_key = place_by_key(info, layout)
        if by_key:
            return by_key
        known = before.get(info.key)
        if known and still_known(info, known):
            return _keyed(known, secret)
        return _keyed(_read_header(landing, info), secret)

    with ThreadPoolExecutor(READERS) as readers:
        return join_reports(readers.map(place, landing.list()))


def pseudonym_secret(warehouse: ObjectStore, configured: str | None) -> bytes:
    """The secret behind pseudonymous keys: the configured one, or one made once and kept in the warehouse."""
    if configured:
        return configured.encode()[:64]
    warehouse.create(_PSEUDONYM_KEY_PATH, os.urandom(32))
    return warehouse.read(_PSEUDONYM_KEY_PATH)


def objects_of(warehouse: Warehouse, studies: Iterable[StudyKey], kind: str) -> dict[StudyKey, list[LandedObject]]:
    """The landed objects of one kind of each study, by key; a study that has none gets an empty list."""
    objects: dict[StudyKey, list[LandedObject]] = {study: [] for study in studies}
    table = warehouse.read(PATH)
    patients = pa.array(sorted({study.patient for study in objects}), pa.string())
    wanted = pc.and_(pc.equal(table["kind"], kind), pc.is_in(table["patient"], patients))
    for item in records_of(LandedObject, table.filter(wanted)):
        objects.get(StudyKey(item.patient or "", item.study or ""), []).append(item)
    return objects


def _read_header(landing: ObjectStore, info: ObjectInfo) -> LandedObject:
    try:
        with landing.open(info.key) as file:
            who = identity(read_dataset(file, stop_before_pixels=True))
    except ObjectUnreadable:
        return rejected(info, "unreadable_object", "listed, but gone or forbidden when its header was read")
    except BadInput as fault:
        return place_unreadable(info, fault)
    names = {who.study_instance_uid, who.study_id, f"s{who.study_id}" if who.study_id else None, who.accession_number}
    return replace(
        placed(info, StudyKey("unkeyed", "unkeyed"), "dicom"),
        patient_id=who.patient_id or "",
        study_instance_uid=who.study_instance_uid,
        report_names=sorted(name for name in names if name),
    )


def _keyed(item: LandedObject, secret: bytes) -> LandedObject:
    if not item.study_instance_uid:
        return item
    study = pseudonymous_study_key(item.patient_id or "", item.study_instance_uid, secret)
    return replace(item, patient=study.patient, study=study.study)
