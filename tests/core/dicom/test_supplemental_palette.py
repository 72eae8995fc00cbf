"""Values in color beside grays, by PS3.3 C.7.6.19 and C.8.16.2.1.1.1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_png, drawn_thumbnail
from medsearch_core.dicom.values import frame_values
from medsearch_core.errors import InvalidQuery
from tests.core.dicom.encoders import LOSSLESS
from tests.support.factories import dataset, dicom_bytes, sequence_item

FIRST = 1000
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], np.uint8)
GRAYS = np.arange(64, dtype=np.uint16).reshape(8, 8) * 10
PIXELS = np.vstack([GRAYS, np.repeat(np.arange(FIRST, FIRST + 6, dtype=np.uint16), 8).reshape(6, 8)])
"""Eight rows of grays, four of the palette's entries, and two beyond the last one."""


def palette(first: int = FIRST, bits: int = 16) -> dict[str, Any]:
    entries = COLORS.astype("<u2") * 257 if bits == 16 else COLORS
    found: dict[str, Any] = {}
    for column, channel in enumerate(("Red", "Green", "Blue")):
        found[f"{channel}PaletteColorLookupTableDescriptor"] = [len(COLORS), first, bits]
        found[f"{channel}PaletteColorLookupTableData"] = np.ascontiguousarray(entries[:, column]).tobytes()
    return found


def colored(pixels: np.ndarray = PIXELS, **attributes: Any) -> Dataset:
    made = {"PixelPresentation": "COLOR", "WindowCenter": 320.5, "WindowWidth": 641, **palette(), **attributes}
    return read_dataset(dicom_bytes(dataset(pixels, **made)))


def expected_grays(values: np.ndarray = GRAYS) -> np.ndarray:
    return np.rint(values / 640 * 255)


def test_values_below_the_first_one_mapped_are_gray_and_the_others_have_its_colors() -> None:
    picture = render_frame(colored(), 1)
    assert picture.shape == (14, 8, 3)
    assert np.abs(picture[:8].astype(int) - expected_grays()[..., np.newaxis]).max() <= 1
    assert (picture[:8] == picture[:8, :, :1]).all()
    assert (picture[8:12] == COLORS[:, np.newaxis]).all()
    assert (picture[12:] == COLORS[-1]).all(), "beyond the table there is its last entry"


@pytest.mark.parametrize("bits", [8, 16])
def test_the_palette_may_have_entries_of_8_or_16_bits(bits: int) -> None:
    assert (render_frame(colored(**palette(bits=bits)), 1)[8:12] == COLORS[:, np.newaxis]).all()


def test_grays_are_chosen_without_the_values_in_color() -> None:
    ds = colored(WindowCenter=None, WindowWidth=None)
    alone = render_frame(dataset(GRAYS), 1)
    assert np.abs(render_frame(ds, 1)[:8, :, 0].astype(int) - alone).max() <= 1
    assert drawn_thumbnail(ds, 1).grays == "percentiles"


def test_a_window_that_makes_every_gray_black_holds_because_there_are_colors() -> None:
    ds = colored(WindowCenter=5000, WindowWidth=10)
    assert (render_frame(ds, 1)[:8] == 0).all()
    assert drawn_thumbnail(ds, 1).grays == "window 1"
    assert drawn_thumbnail(colored(GRAYS, WindowCenter=5000, WindowWidth=10), 1).grays == "percentiles"


def test_a_window_and_inversion_are_of_the_grays_alone() -> None:
    ds = colored()
    inverted = render_frame(ds, 1, is_inverted=True)
    assert np.abs(inverted[:8].astype(int) + render_frame(ds, 1)[:8] - 255).max() <= 1
    assert np.array_equal(inverted[8:], render_frame(ds, 1)[8:])


def test_a_frame_may_be_all_in_color() -> None:
    drawn = drawn_thumbnail(colored(PIXELS[8:12]), 1)
    assert (drawn.pixels == COLORS[:, np.newaxis]).all()
    assert drawn.grays is None


def test_signed_values_are_compared_as_they_are() -> None:
    signed = PIXELS.astype(np.int16) - 2000
    ds = colored(signed, WindowCenter=320.5 - 2000, **palette(first=FIRST - 2000))
    assert np.array_equal(render_frame(ds, 1), render_frame(colored(), 1))


def test_a_smaller_picture_averages_colors_and_not_their_numbers() -> None:
    stripes = np.tile(np.array([FIRST, FIRST + 2], np.uint16), (8, 4))
    assert np.abs(render_frame(colored(stripes), 1, 4) - [127.5, 0, 127.5]).max() <= 1


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_compressed_frames_are_not_halved_before_they_are_looked_up(syntax: str) -> None:
    large = np.kron(PIXELS, np.ones((16, 16), np.uint16))
    ds = dataset(large, transfer_syntax=syntax, codestreams=[LOSSLESS[syntax](large)], PixelPresentation="COLOR", **palette())
    small = drawn_thumbnail(read_dataset(dicom_bytes(ds)), 1, 56).pixels
    assert (small[32:48:4].reshape(4, -1, 3) == COLORS[:, np.newaxis]).all()


def enhanced(*presentations: str | None, stated: str = "MIXED") -> Dataset:
    frames = [
        sequence_item(MRImageFrameTypeSequence=[sequence_item(PixelPresentation=each)] if each else [])
        for each in presentations
    ]
    return colored(np.stack([PIXELS] * len(presentations)), PixelPresentation=stated, PerFrameFunctionalGroupsSequence=frames)


def test_each_frame_of_a_mixed_object_says_for_itself_whether_it_is_in_color() -> None:
    ds = enhanced("MONOCHROME", "COLOR", None)
    assert [render_frame(ds, frame).ndim for frame in (1, 2, 3)] == [2, 3, 3]


def test_a_shared_frame_type_counts_for_every_frame() -> None:
    shared = [sequence_item(CTImageFrameTypeSequence=[sequence_item(PixelPresentation="MONOCHROME")])]
    assert render_frame(colored(SharedFunctionalGroupsSequence=shared), 1).ndim == 2


@pytest.mark.parametrize(
    "attributes",
    [
        {"PixelPresentation": None},
        {"PixelPresentation": "MONOCHROME"},
        {"PixelPresentation": "TRUE_COLOR"},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"RedPaletteColorLookupTableData": None},
        {"RedPaletteColorLookupTableDescriptor": None},
    ],
)
def test_what_has_no_usable_supplemental_palette_is_gray(attributes: dict[str, Any]) -> None:
    assert render_frame(colored(**attributes), 1).ndim == 2


def test_a_palette_color_image_is_no_such_one() -> None:
    ds = colored(PhotometricInterpretation="PALETTE COLOR")
    assert (render_frame(ds, 1)[:8] == COLORS[0]).all()


def test_its_picture_is_what_can_be_asked_for_and_not_its_values() -> None:
    with pytest.raises(InvalidQuery):
        frame_values(colored(), 1)
    assert frame_values(colored(PixelPresentation="MONOCHROME"), 1).stored.shape == (14, 8)


def test_an_inspection_says_it() -> None:
    (frame,) = inspect_pixels(colored()).frames
    (step,) = [step for step in frame.steps if step.name == "supplemental palette"]
    assert step.parameters == {"first": FIRST, "entries": 4, "bits": 16, "share": round(6 / 14, 4)}
    assert frame.disagreements == ()
    assert decode_png(frame.png).ndim == 3
    (broken,) = inspect_pixels(colored(GreenPaletteColorLookupTableData=None)).frames
    assert [each.code for each in broken.disagreements] == ["supplemental_palette"]
    assert decode_png(broken.png).ndim == 2


def test_implicit_vr_is_read_alike() -> None:
    ds = dataset(PIXELS, transfer_syntax=ImplicitVRLittleEndian, PixelPresentation="COLOR", **palette())
    assert (render_frame(read_dataset(dicom_bytes(ds)), 1)[8:12] == COLORS[:, np.newaxis]).all()
