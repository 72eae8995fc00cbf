"""Recognizing unchanged bytes under a new store tag.

A copied folder has new modification times, and a bucket that is re-encrypted or rewritten in parts has new ETags, yet nothing
has to be recomputed. So the SHA-256 in the study's table is compared with that of the object as it is read now. A table counts
only if its digest shows that it was made from the known objects.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.columns import records_of
from medsearch_core.errors import ObjectNotFound, ObjectUnreadable
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectInfo, ObjectStore
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.images import image_digest_for
from medsearch_pipeline.studies.landed_objects import versions_of
from medsearch_pipeline.studies.reports import report_digest_for

MAX_COMPARED_BYTES = 64 * 2**20
READERS = 16
TABLES = {"dicom": "dicom_metadata", "report": "reports"}

InputsDigests = Mapping[str, Callable[[Sequence[str]], str]]
"""Kind of object → the digest of a study's table that is made from objects of these versions."""


def inputs_by_kind(settings: Settings) -> InputsDigests:
    """The digest functions of a deployment."""
    return {"dicom": image_digest_for(settings), "report": report_digest_for(settings)}


class ContentComparer:
    """Compares objects' bytes: of objects up to `MAX_COMPARED_BYTES` each, and up to `allowed` bytes in total.

    Args:
        rows: the known objects.
        inputs_of: objects of a kind without a digest function are not compared.
    """

    def __init__(
        self, landing: ObjectStore, warehouse: Warehouse, rows: pa.Table, inputs_of: InputsDigests, max_bytes: int
    ) -> None:
        self._landing, self._warehouse, self._rows = landing, warehouse, rows
        self._inputs_of, self._left = inputs_of, max_bytes

    def find_unchanged(self, candidates: Sequence[tuple[ObjectInfo, LandedObject]]) -> dict[str, LandedObject]:
        """The objects with unchanged bytes, with their new tag and old version.

        Args:
            candidates: listed objects, each with its known row.
        """
        likely = [(info, was) for info, was in candidates if self._is_likely(info, was)]
        known = self._sha256_of([was for _, was in likely]) if likely else {}
        chosen = []
        for info, was in likely:
            if info.key in known and self._may_read(info.bytes):
                chosen.append((info, was))

        def compared(pair: tuple[ObjectInfo, LandedObject]) -> LandedObject | None:
            info, was = pair
            try:
                is_same = hashlib.sha256(self._landing.read(info.key)).hexdigest() == known[info.key]
            except ObjectUnreadable:
                return None
            return replace(was, etag=info.etag, version=was.version or was.etag) if is_same else None

        with ThreadPoolExecutor(READERS) as readers:
            return {item.key: item for item in readers.map(compared, chosen) if item}

    def _is_likely(self, info: ObjectInfo, was: LandedObject) -> bool:
        is_retagged = info.etag != was.etag and info.bytes == was.bytes <= MAX_COMPARED_BYTES and info.is_addressable
        return is_retagged and was.kind in self._inputs_of and bool(was.patient and was.study)

    def _may_read(self, size: int) -> bool:
        if size > self._left:
            return False
        self._left -= size
        return True

    def _sha256_of(self, objects: Sequence[LandedObject]) -> dict[str, str]:
        """Key → its SHA-256 in its study's table, if that table was made from the known objects."""
        patients = pa.array(sorted({item.patient or "" for item in objects}), pa.string())
        of_study: dict[tuple[StudyKey, str], list[LandedObject]] = defaultdict(list)
        for item in records_of(LandedObject, self._rows.filter(pc.is_in(self._rows["patient"], patients))):
            of_study[StudyKey(item.patient or "", item.study or ""), item.kind].append(item)
        wanted = sorted({(StudyKey(item.patient or "", item.study or ""), item.kind) for item in objects})

        def in_table(place: tuple[StudyKey, str]) -> dict[str, str]:
            study, kind = place
            try:
                table = self._warehouse.written(study_path(TABLES[kind], study), ["key", "sha256"])
            except (ObjectNotFound, pa.ArrowException):
                return {}
            if table.inputs != self._inputs_of[kind](versions_of(of_study[place])):
                return {}
            return dict(zip(table.rows["key"].to_pylist(), table.rows["sha256"].to_pylist(), strict=True))

        found: dict[str, str] = {}
        with ThreadPoolExecutor(READERS) as readers:
            for each in readers.map(in_table, wanted):
                found |= each
        return found
