"""The small hospital with its originals: every image of `api_world` as a real DICOM object in a landing folder."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from medsearch_core.records import ImageRecord
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from tests.support.factories import dataset, dicom_bytes
from tests.support.hospital import HOSPITAL, StudyOf, fill, image_records, radiograph

SIDE = 96


def fill_and_land(folder: Path, studies: Sequence[StudyOf] = HOSPITAL) -> None:
    """Writes what `fill` writes, and the originals to `folder/landing`."""
    fill(folder, studies, SIDE)
    landing, warehouse = open_store(str(folder / "landing")), Warehouse(open_store(str(folder / "warehouse")))
    for study in studies:
        rows = [_landed(landing, row, study) for row in image_records(study)]
        warehouse.write_rows(ImageRecord, study_path("dicom_metadata", study.key), rows, "1")


def _landed(landing, row: ImageRecord, study: StudyOf) -> ImageRecord:
    view, _ = study.images[row.image_id]
    picture = np.asarray(Image.open(io.BytesIO(radiograph(view, row.image_id, SIDE)))).astype(np.uint16) * 16
    data = dicom_bytes(
        dataset(picture, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096, SOPInstanceUID=f"2.25.{row.image_id}")
    )
    landing.write(row.key, data)
    rows, columns = picture.shape
    return replace(row, sha256=sha256(data).hexdigest(), bytes=len(data), rows=rows, columns=columns)
