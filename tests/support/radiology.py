"""A few real DICOM objects, ingested as the pipeline does it, and the service over them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data

from medsearch_api.settings import Settings
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from tests.support.api_client import settings_of
from tests.support.factories import dataset, dicom_bytes, sequence_item
from tests.support.ingest import ingest, local_instance, settings_in
from tests.support.landing import folder_of

FILES = ("CT_small.dcm", "JPEG2000.dcm", "MR_small.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "rtdose.dcm")
"""pydicom's own: CT with a modality transform, JPEG 2000, MR with a window, RGB in lossless and in lossy JPEG, 15 frames."""

NEGATIVE = StudyKey("p10000032", "s50414267")
NEGATIVE_UID = "2.25.50414267"
NEGATIVE_KEY = f"{folder_of(NEGATIVE)}/negative.dcm"
PIXELS = np.arange(96 * 80, dtype=np.uint16).reshape(96, 80) % 4096
GRAPHICS = np.eye(16, dtype=bool)
"""The overlay of the radiograph below, whose first bit is at row 2 and column 4, counted from 0."""


def negative() -> bytes:
    """A MONOCHROME1 radiograph with a window of its own, an overlay and a real world mapping, of a patient with a name."""
    unit = sequence_item(CodeValue="mg/cm3", CodingSchemeDesignator="UCUM", CodeMeaning="milligram per cubic centimeter")
    mapping = sequence_item(
        RealWorldValueFirstValueMapped=0, RealWorldValueLastValueMapped=4000, RealWorldValueSlope=0.5,
        RealWorldValueIntercept=-10.0, LUTLabel="DENSITY", MeasurementUnitsCodeSequence=[unit],
    )  # fmt: skip
    ds = dataset(
        PIXELS,
        PhotometricInterpretation="MONOCHROME1",
        BitsStored=12,
        HighBit=11,
        WindowCenter=2048,
        WindowWidth=4096,
        PatientName="Doe^Jane",
        StudyDate="20190304",
        StudyInstanceUID=NEGATIVE_UID,
        SeriesInstanceUID=f"{NEGATIVE_UID}.1",
        SOPInstanceUID=f"{NEGATIVE_UID}.1.1",
        RealWorldValueMappingSequence=[mapping],
    )
    for element, vr, value in (
        (0x0010, "US", GRAPHICS.shape[0]), (0x0011, "US", GRAPHICS.shape[1]), (0x0040, "CS", "G"), (0x0050, "SS", [3, 5]),
        (0x0100, "US", 1), (0x0102, "US", 0), (0x3000, "OW", np.packbits(GRAPHICS, bitorder="little").tobytes()),
    ):  # fmt: skip
        ds.add_new(0x60000000 + element, vr, value)
    return dicom_bytes(ds)


def radiology(folder: Path) -> None:
    """Lands the objects in `folder/landing` and ingests them to `folder/warehouse` and `folder/index`."""
    landing = folder / "landing"
    (landing / "other").mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(Path(pydicom.data.__file__).parent / "test_files" / name, landing / "other" / name)
    open_store(str(landing)).write(NEGATIVE_KEY, negative())
    assert ingest(settings_in(landing, folder), local_instance(folder / "dagster")).success


def images_in(folder: Path) -> dict[str, list[ImageRecord]]:
    """Name of the landed file → its rows of `dicom_metadata`, by frame."""
    warehouse = Warehouse(open_store(str(folder / "warehouse")))
    found: dict[str, list[ImageRecord]] = {}
    for entry in warehouse.store.list("dicom_metadata"):
        for row in warehouse.read_rows(ImageRecord, entry.key):
            found.setdefault(row.key.rpartition("/")[2], []).append(row)
    return {name: sorted(rows, key=lambda row: row.frame) for name, rows in found.items()}


def service_settings(folder: Path, **others: Any) -> Settings:
    """The service's settings over a folder made by `radiology`."""
    return settings_of(folder, **({"landing": str(folder / "landing"), "api_dicomweb_refresh_seconds": 0.0} | others))
