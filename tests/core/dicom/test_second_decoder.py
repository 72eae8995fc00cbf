"""Our pictures against those of dcmtk: of every file that the tests here make, and of every file that pydicom ships.

The table beside this file says where the two disagree, and why that is right. What dcmtk does was seen in its version 3.6.7.
"""

from __future__ import annotations

import csv
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from medsearch_core.dicom.attributes import text
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.grayscale import voi_source, windows
from medsearch_core.dicom.pixels import check_pixels, draw, frame_to_draw
from medsearch_core.dicom.transforms import Ramp
from medsearch_core.dicom.values import frame_values, window_over
from medsearch_core.errors import BadInput
from medsearch_core.machine.cpus import available_cpus
from tests.core.dicom.test_bundled_files import FILES
from tests.support.dcmtk import dcmtk_picture, window_options
from tests.support.recorded_files import made_files

MIN_CORRELATION, MAX_DIFFERENCE = 0.97, 12.0
AGREED, DIFFERENT, WE_REFUSE, DCMTK_REFUSES = "agreed", "different", "we refuse", "dcmtk refuses"
EXCEPTIONS = Path(__file__).with_name("second_decoder_exceptions.csv")


@dataclass(frozen=True)
class Agreed:
    """Files over which the two decoders do not agree.

    Args:
        files: a name, or a pattern with `*` for names.
        outcome: what each of these files comes to.
        reason: why that is right.
        source: the clause of the standard, or what dcmtk cannot do.
    """

    files: str
    outcome: str
    reason: str
    source: str

    def is_of(self, name: str) -> bool:
        """Whether a file is one of them."""
        return re.fullmatch(".*".join(map(re.escape, self.files.split("*"))), name) is not None


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Each file by its name, and what it comes to."""
    folder = tmp_path_factory.mktemp("made")
    paths = {f"pydicom/{name}": path for name, path in FILES.items()}
    for number, (name, data) in enumerate(made_files().items()):
        paths[name] = folder / f"{number}.dcm"
        paths[name].write_bytes(data)
    with ThreadPoolExecutor(available_cpus()) as threads:
        return dict(zip(paths, threads.map(outcome_of, paths.values()), strict=True))


def exceptions() -> list[Agreed]:
    with EXCEPTIONS.open(newline="") as file:
        return [Agreed(**row) for row in csv.DictReader(file)]


def test_each_file_looks_as_in_the_second_decoder_or_is_an_exception_with_a_reason(outcomes: dict[str, str]) -> None:
    expected = {name: {known.outcome for known in exceptions() if known.is_of(name)} or {AGREED} for name in outcomes}
    assert {name: found for name, found in outcomes.items() if expected[name] != {found}} == {}
    assert sum(found == AGREED for found in outcomes.values()) > 600


@pytest.mark.parametrize("known", exceptions(), ids=lambda known: known.files)
def test_an_exception_is_of_some_file_and_has_its_reason(known: Agreed, outcomes: dict[str, str]) -> None:
    assert any(map(known.is_of, outcomes))
    assert known.outcome in (DIFFERENT, WE_REFUSE, DCMTK_REFUSES)
    assert known.reason
    assert known.source


def outcome_of(path: Path) -> str:
    """How the pictures of the first and the last frame compare."""
    data = path.read_bytes()
    try:
        ds = read_dataset(data)
        frames = sorted({1, check_pixels(ds)})
    except BadInput:
        return WE_REFUSE if dcmtk_picture(path, "", 1) is not None else AGREED
    found = {compared(ds, path, frame) for frame in frames}
    return next(outcome for outcome in (DIFFERENT, WE_REFUSE, DCMTK_REFUSES, AGREED) if outcome in found)


def compared(ds: Dataset, path: Path, frame: int) -> str:
    syntax = ds.file_meta.get("TransferSyntaxUID", "")
    try:
        ours, grays = picture_and_grays(ds, frame)
    except BadInput:
        return WE_REFUSE if dcmtk_picture(path, syntax, frame) is not None else AGREED
    theirs = dcmtk_picture(path, syntax, frame, *grays)
    if theirs is None:
        return DCMTK_REFUSES
    return AGREED if are_alike(ours, theirs) else DIFFERENT


def picture_and_grays(ds: Dataset, frame: int) -> tuple[np.ndarray, list[str]]:
    """Our picture, and the options that let dcmtk choose the same grays."""
    drawn = draw(ds, frame, frame_to_draw(ds, frame, None, is_small=False))
    if drawn.grays is None:
        return drawn.pixels, []
    if drawn.grays == "VOI LUT":
        return drawn.pixels, ["+Wl", "1"]
    if drawn.chosen is not None and isinstance(drawn.chosen.transform, Ramp) and drawn.pixels.ndim == 3:
        limits = drawn.chosen.transform
        return drawn.pixels, window_options(window_over(limits.low, limits.high, "LINEAR_EXACT"))
    if drawn.grays == "percentiles":
        return drawn.pixels, window_options(frame_values(ds, frame).percentiles)
    number = int(drawn.grays.removeprefix("window "))
    if voi_source(ds, frame) is ds and text(ds, "VOILUTFunction") != "LINEAR_EXACT":
        return drawn.pixels, ["+Wi", str(number)]
    window = windows(ds, frame)[number - 1]
    assert window is not None
    return drawn.pixels, window_options(window)


def are_alike(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """By correlation and mean difference; at our size, for dcmtk leaves pixels that are not square as they are stored."""
    if ours.ndim != theirs.ndim:
        ours, theirs = (np.repeat(one[..., np.newaxis], 3, -1) if one.ndim == 2 else one for one in (ours, theirs))
    if ours.shape != theirs.shape:
        theirs = np.asarray(Image.fromarray(theirs).resize(ours.shape[1::-1], Image.Resampling.BILINEAR))
    one, other = ours.astype(float).ravel(), theirs.astype(float).ravel()
    if np.abs(one - other).mean() > MAX_DIFFERENCE:
        return False
    if min(one.std(), other.std()) < 1:  # a flat picture has no correlation
        return True
    return bool(np.corrcoef(one, other)[0, 1] >= MIN_CORRELATION)
