"""Real images from installed Python packages: pydicom's own test files and PyPI's `pydicom-data`.

Belongs here: finding and copying them. Nothing is ever downloaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.dicom.pixels import check_pixels, frame_count
from medsearch_core.dicom.thumbnails import thumbnail
from medsearch_core.errors import BadInput

IMAGING = frozenset({"CR", "DX", "CT", "MR", "US", "NM", "MG", "XA", "RF", "PT"})
SMALLEST, MAX_FRAMES = 128, 4
PLACES = (("pydicom-data", "data_store", "data"), ("pydicom", "pydicom", "data/test_files"))


def add_pydicom_data(folder: Path) -> int:
    """Copies real DICOM images to `folder/other/<package>/`; returns how many.

    Selected are decodable images of an image modality with at least 128 x 128 pixels and few frames, and of several encodings
    of one SOP instance the first. They have a PatientID or not, and are grouped by their headers.
    """
    seen: set[str] = set()
    for package, path in _candidates():
        uid = _image_of(path)
        if uid is None or uid in seen:
            continue
        seen.add(uid)
        target = folder / "other" / package
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / path.name)
    return len(seen)


def _candidates() -> Iterator[tuple[str, Path]]:
    for package, module, inside in PLACES:
        spec = find_spec(module)
        for root in (spec and spec.submodule_search_locations) or ():
            for path in sorted((Path(root) / inside).glob("*.dcm")):
                yield package, path


def _image_of(path: Path) -> str | None:
    """The SOPInstanceUID of a selected image; None for anything else."""
    try:
        ds = read_dataset(path.read_bytes())
        who = identity(ds)
        check_pixels(ds)
        is_shown = min(ds.Rows, ds.Columns) >= SMALLEST and frame_count(ds) <= MAX_FRAMES and ds.get("Modality") in IMAGING
        return who.sop_instance_uid if is_shown and thumbnail(ds, 1).size else None
    except BadInput:
        return None
