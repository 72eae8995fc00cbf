"""Which studies a text names: by landed key or folder, partition or study id, accession number or DICOM UID."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from medsearch_core.errors import ObjectNotFound
from medsearch_core.keys import StudyKey
from medsearch_core.search.index import SearchIndex
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.intake.inventory import studies_in
from medsearch_pipeline.studies.documents import study_from_path

READERS = 16
UIDS = {
    "sop_instance_uid": "SOPInstanceUID",
    "study_instance_uid": "StudyInstanceUID",
    "series_instance_uid": "SeriesInstanceUID",
    "study_id": "StudyID",
}
"""Column of a study's table of images, which its landed keys may lack → keyword."""


@dataclass(frozen=True)
class Match:
    """What a text names.

    Attributes:
        kind: The kind of the name: `landed key`, `partition`, …
        studies: The studies, sorted.
        orphans: Matching landed objects that belong to no study.
    """

    kind: str
    studies: Sequence[StudyKey]
    orphans: pa.Table


def find_in_inventory(text: str, inventory: pa.Table) -> Match | None:
    """What a text names among landed objects; the first kind with a match applies.

    Args:
        inventory: All landed objects, in the schema of `LandedObject`.
    """
    patient, _, study = text.partition("/")
    named = pc.list_parent_indices(inventory["report_names"]).filter(pc.equal(pc.list_flatten(inventory["report_names"]), text))
    by_name = pc.is_in(pa.array(range(len(inventory)), pa.int64()), named.combine_chunks().cast(pa.int64()))
    kinds = {
        "landed key": pc.equal(inventory["key"], text),
        "partition": pc.and_(pc.equal(inventory["patient"], patient), pc.equal(inventory["study"], study)),
        "study": pc.equal(inventory["study"], text),
        "patient": pc.equal(inventory["patient"], text),
        "StudyInstanceUID": pc.equal(inventory["study_instance_uid"], text),
        "StudyID, accession number or report": by_name,
        "file name": pc.match_substring_regex(inventory["key"], f"(^|/){_escape(text)}(\\.[A-Za-z]+)?$"),
        "folder": pc.starts_with(inventory["key"], f"{text.rstrip('/')}/"),
    }
    for kind, is_match in kinds.items():
        rows = inventory.filter(is_match)
        if len(rows):
            return Match(kind, studies_in(rows), rows.filter(pc.is_null(rows["study"])))
    return None


def find_by_uid(text: str, warehouse: Warehouse, index: SearchIndex, inventory: pa.Table) -> Match | None:
    """What a text names among images: the index has SOP instances, the studies' tables have every UID.

    The tables are read one by one, which takes minutes for hundreds of thousands of studies.
    """
    (image,) = index.images([text])
    if image:
        return Match("SOPInstanceUID", [StudyKey(image.patient, image.study)], inventory.slice(0, 0))
    studies = [study for entry in warehouse.store.list("dicom_metadata") if (study := _study_of(entry.key))]
    with ThreadPoolExecutor(READERS) as readers:
        kinds = dict(zip(studies, readers.map(lambda study: _kind(warehouse, study, text), studies), strict=True))
    matching = sorted(study for study, kind in kinds.items() if kind)
    return Match(kinds[matching[0]] or "", matching, inventory.slice(0, 0)) if matching else None


def _study_of(path: str) -> StudyKey | None:
    return study_from_path(path.removeprefix("dicom_metadata/"))


def _kind(warehouse: Warehouse, study: StudyKey, text: str) -> str | None:
    """What the text names in a study's table of images. A damaged table matches nothing; `stale` reports it."""
    try:
        rows = warehouse.written(study_path("dicom_metadata", study), [*UIDS]).rows
    except (ObjectNotFound, pa.ArrowException):
        return None
    return next((kind for name, kind in UIDS.items() if pc.any(pc.equal(rows[name], text)).as_py()), None)


def _escape(text: str) -> str:
    return "".join(f"\\{character}" if not (character.isalnum() or character == "_") else character for character in text)
