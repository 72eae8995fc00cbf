"""Where an object is on DICOMweb, and what its answers hold."""

from __future__ import annotations

from medsearch_core.records import ImageRecord
from tests.support.radiology import NEGATIVE_UID

INSTANCE = f"/dicomweb/studies/{NEGATIVE_UID}/series/{NEGATIVE_UID}.1/instances/{NEGATIVE_UID}.1.1"


def uids(row: ImageRecord) -> tuple[str, str, str]:
    assert row.series_instance_uid
    return row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid


def values(found: list[dict], tag: str) -> list:
    return [value for entry in found for value in entry[tag].get("Value", [None])]
