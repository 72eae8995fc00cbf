"""Grays that show nothing give way to the next ones, and the image's row says which were chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medsearch_core.dicom.grayscale import Window
from medsearch_core.dicom.pixels import Drawn, draw, frame_to_draw, render_frame
from medsearch_core.dicom.thumbnails import drawn_thumbnail
from medsearch_core.dicom.values import frame_values
from tests.core.dicom.encoders import RAMP
from tests.support.factories import dataset, sequence_item

BLACK: dict[str, Any] = {"LUTDescriptor": [2, 0, 8], "LUTData": [0, 0]}
RISING: dict[str, Any] = {"LUTDescriptor": [4096, 0, 12], "LUTData": list(range(4096))}


def drawn(ds: Dataset, window: Window | None = None) -> Drawn:
    return draw(ds, 1, frame_to_draw(ds, 1, None, is_small=False), window=window)


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({}, "percentiles"),
        ({"WindowCenter": 2048, "WindowWidth": 4096}, "window 1"),
        ({"WindowCenter": 40000, "WindowWidth": 400}, "percentiles"),
        ({"WindowCenter": -40000, "WindowWidth": 400}, "percentiles"),
        ({"WindowCenter": [40000, 2048], "WindowWidth": [400, 4096]}, "window 2"),
        ({"WindowCenter": [-9000, 40000, 2048], "WindowWidth": [1, 400, 4096]}, "window 3"),
        ({"WindowCenter": [0, 2048], "WindowWidth": [0, 4096]}, "window 2"),
        ({"VOILUTSequence": [sequence_item(**RISING)], "WindowCenter": 1, "WindowWidth": 2}, "VOI LUT"),
        ({"VOILUTSequence": [sequence_item(**BLACK)], "WindowCenter": 2048, "WindowWidth": 4096}, "window 1"),
        ({"VOILUTSequence": [sequence_item(**BLACK)]}, "percentiles"),
    ],
    ids=str,
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_first_grays_that_show_anything_are_chosen(attributes: dict[str, Any], name: str, photometric: str) -> None:
    ds = dataset(RAMP, PhotometricInterpretation=photometric, **attributes)
    found = drawn_thumbnail(ds, 1, 64)
    assert found.grays == name
    assert found.pixels.max() - found.pixels.min() > 200


@pytest.mark.parametrize("value", [0, 100, 4095])
def test_a_flat_frame_is_shown_flat_in_its_own_window(value: int) -> None:
    ds = dataset(np.full((8, 8), value, np.uint16), WindowCenter=[9000, 2048], WindowWidth=[10, 4096])
    found = drawn(ds)
    assert (found.grays, np.unique(found.pixels).tolist()) == ("window 1", [0])


def test_a_window_that_is_asked_for_is_kept_though_it_shows_nothing() -> None:
    found = drawn(dataset(RAMP), Window(40000, 400))
    assert (found.grays, found.pixels.max()) == (None, 0)


def test_color_has_no_grays() -> None:
    assert drawn(dataset(np.zeros((2, 2, 3), np.uint8))).grays is None


@pytest.mark.parametrize("centers", [[40000], [40000, 2048]])
def test_a_viewer_begins_with_the_window_of_the_picture(centers: list[int]) -> None:
    ds = dataset(RAMP, WindowCenter=centers, WindowWidth=[400, 4096][: len(centers)])
    found = frame_values(ds, 1)
    values = (found.stored * found.slope + found.intercept).astype(np.float32)
    assert np.abs(np.rint(found.window.transform()(values)) - render_frame(ds, 1)).max() <= 1
