"""Every expected value here is worked out by hand from PS3.3 C.11."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from medsearch_core.dicom.grayscale import Window
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.errors import InvalidQuery
from tests.support.factories import dataset, sequence_item


def shown(pixels: Any, frame: int = 1, **attributes: Any) -> list[Any]:
    return render_frame(dataset(np.asarray(pixels), **attributes), frame).tolist()


def u16(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.uint16)


def test_a_linear_window_follows_its_equation() -> None:
    # c=3, w=5: black up to 2.5-2=0.5, white above 4.5, between ((x-2.5)/4+0.5)*255
    assert shown(u16([0, 1, 2, 3, 4, 5]), WindowCenter=3, WindowWidth=5) == [[0, 32, 96, 159, 223, 255]]


def test_an_exact_linear_window_follows_its_equation() -> None:
    # ((x-2)/4+0.5)*255
    window: dict[str, Any] = {"WindowCenter": 2, "WindowWidth": 4, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(u16([0, 1, 2, 3, 4, 5]), **window) == [[0, 64, 128, 191, 255, 255]]


def test_a_sigmoid_window_follows_its_equation() -> None:
    # 255/(1+exp(-4(x-10)/20)): x=0 -> 30.4, x=10 -> 127.5, x=20 -> 224.6
    window: dict[str, Any] = {"WindowCenter": 10, "WindowWidth": 20, "VOILUTFunction": "SIGMOID"}
    assert shown(u16([0, 10, 20, 60000]), **window) == [[30, 128, 225, 255]]


def test_a_window_of_width_one_is_a_threshold() -> None:
    assert shown(u16([0, 9, 10, 11]), WindowCenter=10, WindowWidth=1) == [[0, 0, 255, 255]]


def test_the_first_of_several_windows_counts() -> None:
    assert shown(u16([0, 10, 20]), WindowCenter=[10.5, 500], WindowWidth=[21, 1]) == [[0, 128, 255]]


@pytest.mark.parametrize("width", [0, -5])
def test_a_window_without_a_width_gives_way_to_percentiles(width: int) -> None:
    assert shown(u16([0, 100], [0, 100]), WindowCenter=50, WindowWidth=width) == [[0, 255], [0, 255]]


def test_rescaling_comes_before_the_window() -> None:
    # 2x-10 gives -10, 0, 10; LINEAR_EXACT over -10..10
    rescale: dict[str, Any] = {"RescaleSlope": 2, "RescaleIntercept": -10}
    window: dict[str, Any] = {"WindowCenter": 0, "WindowWidth": 20, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(u16([0, 5, 10]), **rescale, **window) == [[0, 128, 255]]


def test_a_negative_slope_turns_the_picture_over() -> None:
    assert shown(u16([0, 100], [0, 100]), RescaleSlope=-1, RescaleIntercept=0) == [[255, 0], [255, 0]]


def test_a_slope_of_zero_is_taken_for_one() -> None:
    assert shown(u16([0, 100], [0, 100]), RescaleSlope=0, RescaleIntercept=5) == [[0, 255], [0, 255]]


ASKED = Window(3, 5)
"""c=3, w=5, as in the first test."""


@pytest.mark.parametrize(
    "own",
    [{}, {"WindowCenter": 100, "WindowWidth": 7}, {"VOILUTSequence": [sequence_item(LUTDescriptor=[1, 0, 8], LUTData=[9])]}],
)
def test_a_window_that_is_asked_for_takes_the_place_of_the_objects_own(own: dict[str, Any]) -> None:
    ds = dataset(u16([0, 1, 2, 3, 4, 5]), **own)
    assert render_frame(ds, 1, window=ASKED).tolist() == [[0, 32, 96, 159, 223, 255]]


def test_a_window_that_is_asked_for_is_over_the_modalitys_values() -> None:
    ds = dataset(u16([0, 5, 10]), RescaleSlope=2, RescaleIntercept=-10)
    assert render_frame(ds, 1, window=Window(0, 20, "LINEAR_EXACT")).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize(
    ("photometric", "shape"), [("MONOCHROME2", "IDENTITY"), ("MONOCHROME1", "INVERSE"), ("MONOCHROME1", "IDENTITY")]
)
def test_inverting_turns_round_whatever_is_shown(photometric: str, shape: str) -> None:
    ds = dataset(u16([0, 1, 2, 3, 4, 5]), PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    straight = render_frame(ds, 1, window=ASKED)
    assert straight[0, 0] == (0 if photometric == "MONOCHROME2" else 255)
    turned = render_frame(ds, 1, window=ASKED, is_inverted=True)
    assert np.abs(straight.astype(int) + turned - 255).max() <= 1


def test_color_has_neither_window_nor_inverse() -> None:
    ds = dataset(np.zeros((2, 2, 3), np.uint8))
    for wish in ({"window": ASKED}, {"is_inverted": True}):
        with pytest.raises(InvalidQuery, match="window"):
            render_frame(ds, 1, **wish)


@pytest.mark.parametrize(
    ("center", "width", "function"),
    [
        (0, 0.5, "LINEAR"),
        (0, 0, "LINEAR_EXACT"),
        (0, -1, "SIGMOID"),
        (float("nan"), 4, "LINEAR"),
        (0, float("inf"), "LINEAR"),
        (0, 4, "CUBIC"),
    ],
)
def test_what_is_no_window_is_refused(center: float, width: float, function: str) -> None:
    with pytest.raises(InvalidQuery):
        Window(center, width, function)


def lut(entries: list[int], first: int, bits: int, **more: Any) -> Any:
    return sequence_item(LUTDescriptor=[len(entries), first, bits], LUTData=entries, **more)


def test_a_modality_lut_comes_before_the_window() -> None:
    table = lut([0, 400, 200], 1, 16)
    window: dict[str, Any] = {"WindowCenter": 200, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(u16([0, 1, 2, 3, 9]), ModalityLUTSequence=[table], **window) == [[0, 0, 255, 128, 128]]


def test_a_voi_lut_is_scaled_from_its_bits_and_holds_at_both_ends() -> None:
    table = lut([0, 1023, 4095], 10, 12)
    assert shown(u16([0, 10, 11, 12, 50000]), VOILUTSequence=[table]) == [[0, 0, 64, 255, 255]]


def test_a_voi_lut_comes_before_a_window_and_the_first_of_several_counts() -> None:
    tables = [lut([255, 0], 0, 8), lut([0, 255], 0, 8)]
    assert shown(u16([0, 1]), VOILUTSequence=tables, WindowCenter=1, WindowWidth=2) == [[255, 0]]


def test_a_voi_lut_of_packed_8_bit_entries_is_unpacked() -> None:
    table = sequence_item(LUTDescriptor=[4, 0, 8], LUTData=[0x4000, 0xFF80])  # 00 40 80 FF
    assert shown(u16([0, 1, 2, 3]), VOILUTSequence=[table]) == [[0, 64, 128, 255]]


def test_a_voi_lut_in_words_of_either_byte_order_is_read() -> None:
    table = sequence_item(LUTDescriptor=[2, 0, 16])
    table.add_new("LUTData", "OW", b"\x00\x00\xff\xff")
    assert shown(u16([0, 1]), VOILUTSequence=[table]) == [[0, 255]]
    table.add_new("LUTData", "OW", b"\x00\x40\x80\x00")
    ds = dataset(u16([0, 1]), VOILUTSequence=[table])
    ds.set_original_encoding(False, False)
    assert render_frame(ds, 1).tolist() == [[0, 128]]  # 0x0040 and 0x8000 of 0xFFFF


def test_a_voi_lut_may_start_below_zero() -> None:
    table = lut([0, 128, 255], -1, 8)
    table["LUTDescriptor"].VR = "SS"
    pixels = np.array([[-5, -1, 0, 1, 5]], np.int16)
    assert shown(pixels, VOILUTSequence=[table]) == [[0, 0, 128, 255, 255]]
    wrapped = lut([0, 128, 255], 65535, 8)
    assert shown(pixels, VOILUTSequence=[wrapped]) == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize(
    "table",
    [
        sequence_item(LUTDescriptor=[2, 0], LUTData=[0, 1]),
        sequence_item(LUTDescriptor=[2, 0, 16]),
        sequence_item(LUTData=[0, 1]),
        sequence_item(LUTDescriptor=[2, 0, 99], LUTData=[0, 1]),
        sequence_item(),
    ],
    ids=["descriptor too short", "no data", "no descriptor", "bits", "empty"],
)
def test_a_malformed_voi_lut_gives_way_to_the_window(table: Any) -> None:
    assert shown(u16([0, 2]), VOILUTSequence=[table], WindowCenter=1.5, WindowWidth=3) == [[0, 255]]


def test_without_a_window_the_percentiles_of_the_frame_are_black_and_white() -> None:
    # 0..200: the percentiles 0.5 and 99.5 are 1 and 199; (100-1)/198*255 = 127.5
    picture = shown(np.arange(201, dtype=np.uint16).reshape(1, 201))[0]
    assert [picture[x] for x in (0, 1, 100, 199, 200)] == [0, 0, 128, 255, 255]


def test_one_wild_pixel_does_not_darken_the_rest() -> None:
    pixels = np.tile(np.array([[0, 100]], np.uint16), (500, 1))
    pixels[0, 0] = 65535
    assert shown(pixels)[1] == [0, 255]


def test_padding_does_not_count_for_the_percentiles() -> None:
    pixels = np.array([[-2000, 0, 100], [-2000, 0, 100]], np.int16)
    assert shown(pixels, PixelPaddingValue=-2000) == [[0, 0, 255]] * 2
    assert shown(pixels)[0] == [0, 243, 255]  # without it, 2000/2100*255


def test_a_range_of_padding_does_not_count_for_the_percentiles() -> None:
    pixels = np.array([[-2000, -1500, 0, 100]] * 2, np.int16)
    assert shown(pixels, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1000) == [[0, 0, 0, 255]] * 2


def test_a_frame_that_is_all_padding_is_shown() -> None:
    assert shown(u16([7, 7], [7, 7]), PixelPaddingValue=7) == [[0, 0], [0, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64])
def test_a_constant_frame_does_not_divide_by_zero(dtype: npt.DTypeLike) -> None:
    assert shown(np.full((2, 2), 42, dtype)) == [[0, 0], [0, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64])
def test_every_depth_and_sign_is_shown(dtype: npt.DTypeLike) -> None:
    low = -100 if np.dtype(dtype).kind != "u" else 0
    pixels: np.ndarray = np.array([[low, low + 50, low + 100]] * 2, dtype)
    window: dict[str, Any] = {"WindowCenter": low + 50, "WindowWidth": 100, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(pixels, **window) == [[0, 128, 255]] * 2


def test_one_bit_pixels_are_black_and_white_however_few_are_set() -> None:
    pixels = np.zeros((40, 40), bool)
    pixels[3, 5] = True
    picture = np.array(shown(pixels))
    assert (picture[3, 5], picture.sum()) == (255, 255)
    assert shown(np.ones((2, 2), bool)) == [[255, 255], [255, 255]]


def test_bits_above_the_stored_ones_are_not_looked_at() -> None:
    pixels = u16([0xF000, 0x0FFF, 0xA800])
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(pixels, BitsStored=12, HighBit=11, **window) == [[0, 255, 128]]


def test_stored_bits_of_a_signed_pixel_are_sign_extended() -> None:
    pixels = np.array([[0x0800, 0x07FF, 0]], np.int16)  # -2048, 2047, 0 in 12 bits
    window: dict[str, Any] = {"WindowCenter": 0, "WindowWidth": 4096, "VOILUTFunction": "LINEAR_EXACT"}
    assert shown(pixels, BitsStored=12, HighBit=11, **window) == [[0, 255, 128]]


def test_what_is_no_number_looks_like_the_lowest_value() -> None:
    pixels = np.array([[np.nan, 0.0, 100.0, np.inf, -np.inf]] * 2, np.float32)
    assert shown(pixels) == [[0, 0, 255, 255, 0]] * 2
    assert shown(np.full((2, 2), np.nan, np.float32)) == [[0, 0], [0, 0]]


def test_monochrome1_is_inverted() -> None:
    assert shown(u16([0, 100], [0, 100]), PhotometricInterpretation="MONOCHROME1") == [[255, 0], [255, 0]]


def test_an_inverse_presentation_inverts_and_monochrome1_with_it_does_so_once() -> None:
    assert shown(u16([0, 100], [0, 100]), PresentationLUTShape="INVERSE") == [[255, 0], [255, 0]]
    both: dict[str, Any] = {"PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"}
    assert shown(u16([0, 100], [0, 100]), **both) == [[255, 0], [255, 0]]
    assert shown(u16([0, 100], [0, 100]), PresentationLUTShape="IDENTITY") == [[0, 255], [0, 255]]


def test_each_frame_of_an_enhanced_object_has_its_own_rescaling_and_window() -> None:
    def group(center: float, slope: float) -> Any:
        exact = {"WindowCenter": center, "WindowWidth": 20, "VOILUTFunction": "LINEAR_EXACT"}
        rescale: dict[str, Any] = {"RescaleSlope": slope, "RescaleIntercept": 0}
        return sequence_item(
            FrameVOILUTSequence=[sequence_item(**exact)],
            PixelValueTransformationSequence=[sequence_item(**rescale)],
        )

    pixels = np.array([[[0, 10, 20, 20]], [[0, 10, 20, 20]]], np.uint16)
    groups = [group(10, 1), group(20, 2)]
    assert shown(pixels, 1, PerFrameFunctionalGroupsSequence=groups) == [[0, 128, 255, 255]]
    assert shown(pixels, 2, PerFrameFunctionalGroupsSequence=groups) == [[0, 128, 255, 255]]
    swapped = [group(10, 1), group(10, 2)]
    assert shown(pixels, 2, PerFrameFunctionalGroupsSequence=swapped) == [[0, 255, 255, 255]]
    assert shown(pixels, 2, SharedFunctionalGroupsSequence=[group(10, 2)]) == [[0, 255, 255, 255]]


def test_overlays_are_not_drawn() -> None:
    ds = dataset(u16([0, 100], [0, 100]))
    ds.add_new(0x60000010, "US", 2)
    ds.add_new(0x60000011, "US", 2)
    ds.add_new(0x60003000, "OW", b"\xff\xff")
    assert render_frame(ds, 1).tolist() == [[0, 255], [0, 255]]
