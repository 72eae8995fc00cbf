"""Accounting for every landed object: used, rejected with a reason, or named as unaccounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord, LandedObject, Rejection, ReportRecord
from medsearch_core.storage.warehouse import Warehouse, rejections_path, study_path
from medsearch_pipeline import study_images, study_reports
from medsearch_pipeline.discovery import studies_of
from medsearch_pipeline.inventory import PATH, REJECTIONS_PATH


@dataclass(frozen=True)
class Account:
    """What became of the landed objects.

    An object with some good and some bad frames counts as used; the bad frames stand in `rejections`.
    """

    objects: int
    images: int
    used_dicom_objects: int
    used_reports: int
    rejected_objects: int
    unaccounted: Sequence[str]
    rejections: Sequence[Rejection]

    @property
    def reasons(self) -> Counter[str]:
        """How many rejections have each reason."""
        return Counter(r.reason for r in self.rejections)


def account(
    objects: Iterable[LandedObject],
    images: Sequence[ImageRecord],
    reports: Sequence[ReportRecord],
    rejections: Sequence[Rejection],
) -> Account:
    """The account of an inventory, given what its studies' tables hold."""
    keys = {o.key for o in objects}
    dicom, texts = {i.key for i in images} & keys, {r.key for r in reports} & keys
    refused = {r.key for r in rejections} & keys - dicom - texts
    return Account(
        objects=len(keys),
        images=len(images),
        used_dicom_objects=len(dicom),
        used_reports=len(texts),
        rejected_objects=len(refused),
        unaccounted=sorted(keys - dicom - texts - refused),
        rejections=sorted(rejections, key=lambda r: (r.key, r.frame or 0)),
    )


def account_of(warehouse: Warehouse) -> Account:
    """The account of everything the last inventory listed.

    Raises:
        ConfigurationError: there has been no inventory.
    """
    if warehouse.inputs(PATH) is None:
        place = warehouse.store.url
        raise ConfigurationError(f"there is no inventory in {place}: materialise it, or correct MEDSEARCH_WAREHOUSE")
    objects = warehouse.read_rows(LandedObject, PATH)
    rejections = warehouse.read_rows(Rejection, REJECTIONS_PATH)
    images: list[ImageRecord] = []
    reports: list[ReportRecord] = []
    for study in studies_of(objects):
        images += warehouse.read_rows(ImageRecord, study_path("dicom_metadata", study))
        reports += warehouse.read_rows(ReportRecord, study_path("reports", study))
        rejections += _rejections(warehouse, study)
    return account(objects, images, reports, rejections)


def _rejections(warehouse: Warehouse, study: StudyKey) -> list[Rejection]:
    stages = (study_images.STAGE, study_reports.STAGE)
    return [row for stage in stages for row in warehouse.read_rows(Rejection, rejections_path(stage, study))]
