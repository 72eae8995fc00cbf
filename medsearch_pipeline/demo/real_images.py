"""Real images that installed Python packages happen to hold: pydicom's own test files and PyPI's `pydicom-data`.

Belongs here: finding and copying them. Nothing is ever downloaded.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

IMAGING = frozenset({"CR", "DX", "CT", "MR", "US", "NM", "MG", "XA", "RF", "PT"})
SMALLEST, MOST_FRAMES = 128, 4
UNUSABLE = (InvalidDicomError, AttributeError, NotImplementedError, RuntimeError, ValueError)
PLACES = (("pydicom-data", "data_store", "data"), ("pydicom", "pydicom", "data/test_files"))


def add_pydicom_data(folder: Path) -> int:
    """Copies real DICOM images to `folder/other/<package>/`; returns how many.

    Only what shows something: an image modality, at least 128 pixels wide and high, few frames, decodable, and the first of
    several encodings of the same SOP instance. They come with or without PatientID and are grouped by their headers.
    """
    seen: set[str] = set()
    for package, path in _candidates():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers that bend the standard: they are why these files exist
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
    """The SOPInstanceUID of an image worth showing; None for anything else."""
    try:
        ds = dcmread(path)
        return str(ds.SOPInstanceUID) if _is_shown(ds) and ds.pixel_array.size else None
    except UNUSABLE:
        return None


def _is_shown(ds: Dataset) -> bool:
    named = all(UID(ds.get(keyword, "")).is_valid for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
    large = min(ds.get("Rows") or 0, ds.get("Columns") or 0) >= SMALLEST
    few = int(ds.get("NumberOfFrames") or 1) <= MOST_FRAMES
    return named and large and few and ds.get("Modality") in IMAGING
