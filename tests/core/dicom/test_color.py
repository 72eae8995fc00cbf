from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medsearch_core.dicom.pixels import decode_frame, render_frame
from medsearch_core.errors import BadInput
from tests.support.factories import dataset

RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]]], np.uint8)
INDICES = np.array([[0, 1], [2, 3]], np.uint8)


def shown(pixels: np.ndarray, **attributes: Any) -> list[Any]:
    return render_frame(dataset(pixels, **attributes), 1).tolist()


def palette(red: list[int], green: list[int], blue: list[int], *, first: int = 0, bits: int = 16) -> dict[str, Any]:
    code = "H" if bits == 16 else "B"
    attributes: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for channel, entries in (("Red", red), ("Green", green), ("Blue", blue)):
        attributes[f"{channel}PaletteColorLookupTableDescriptor"] = [len(entries), first, bits]
        attributes[f"{channel}PaletteColorLookupTableData"] = struct.pack(f"<{len(entries)}{code}", *entries)
    return attributes


def test_rgb_by_pixel_is_shown_as_it_is() -> None:
    assert shown(RGB) == RGB.tolist()


def test_rgb_by_plane_is_shown_as_it_is() -> None:
    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1)).tobytes()
    assert shown(RGB, PlanarConfiguration=1, PixelData=planes) == RGB.tolist()


def test_rgb_without_a_planar_configuration_is_taken_for_by_pixel() -> None:
    assert shown(RGB, PlanarConfiguration=None) == RGB.tolist()


def test_deeper_color_keeps_its_high_bits() -> None:
    assert shown(RGB.astype(np.uint16) << 8) == RGB.tolist()
    assert shown(RGB.astype(np.uint32) << 24) == RGB.tolist()
    assert shown(RGB.astype(np.uint16) << 4, BitsStored=12, HighBit=11) == RGB.tolist()


def test_shallower_color_is_scaled_to_full_brightness() -> None:
    pixels = np.array([[[0, 7, 15]]], np.uint8)
    assert shown(pixels, BitsStored=4, HighBit=3) == [[[0, 119, 255]]]


def test_ybr_full_is_converted_to_rgb() -> None:
    # PS3.3 C.7.6.3.1.2: R = Y + 1.402 (Cr-128), G = Y - 0.3441 (Cb-128) - 0.7141 (Cr-128), B = Y + 1.772 (Cb-128)
    pixels = np.array([[[76, 85, 255], [149, 43, 21]], [[29, 255, 107], [128, 128, 128]]], np.uint8)
    expected = [[[254, 0, 0], [0, 255, 0]], [[0, 0, 254], [128, 128, 128]]]
    found = np.array(shown(pixels, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(found - expected).max() <= 1


def test_subsampled_ybr_is_converted_to_rgb() -> None:
    data = bytes([76, 76, 85, 255, 128, 29, 128, 128])  # Y Y Cb Cr, twice
    ds = dataset(np.zeros((1, 4, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422", PixelData=data)
    found = render_frame(ds, 1)
    expected = [[[254, 0, 0], [254, 0, 0], [128, 128, 128], [29, 29, 29]]]
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_ybr_that_only_claims_to_be_subsampled_is_converted_to_rgb() -> None:
    pixels = np.full((2, 2, 3), 128, np.uint8)
    assert shown(pixels, PhotometricInterpretation="YBR_FULL_422") == pixels.tolist()


def test_decoding_leaves_ybr_as_it_is_stored() -> None:
    pixels = np.array([[[76, 85, 255]]], np.uint8)
    assert decode_frame(dataset(pixels, PhotometricInterpretation="YBR_FULL"), 1).tolist() == pixels.tolist()


@pytest.mark.parametrize("mode", ["RGB", "YCbCr"])
def test_our_ybr_is_what_every_jpeg_has(mode: str) -> None:
    image = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).convert(mode)
    stored = "YBR_FULL" if mode == "YCbCr" else "RGB"
    expected = np.asarray(image.convert("RGB")).tolist()
    assert shown(np.asarray(image), PhotometricInterpretation=stored) == expected


def test_a_palette_of_16_bits_keeps_the_high_byte() -> None:
    colors = palette([0, 0xFF00, 0, 0x8000], [0, 0, 0xFFFF, 0x8000], [0xFF00, 0, 0, 0x8000])
    assert shown(INDICES, **colors) == [[[0, 0, 255], [255, 0, 0]], [[0, 255, 0], [128, 128, 128]]]


def test_a_palette_of_8_bits_is_used_as_it_is() -> None:
    colors = palette([1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], bits=8)
    assert shown(INDICES, **colors) == [[[1, 5, 9], [2, 6, 10]], [[3, 7, 11], [4, 8, 12]]]


def test_a_palette_of_16_bits_that_holds_bytes_is_used_as_it_is() -> None:
    colors = palette([1, 2, 3, 255], [5, 6, 7, 8], [9, 10, 11, 12])
    assert shown(INDICES, **colors) == [[[1, 5, 9], [2, 6, 10]], [[3, 7, 11], [255, 8, 12]]]


def test_indices_outside_a_palette_take_its_first_and_last_color() -> None:
    colors = palette([10, 20], [10, 20], [10, 20], first=1, bits=8)
    assert shown(INDICES, **colors) == [[[10] * 3, [10] * 3], [[20] * 3, [20] * 3]]


def test_a_palette_of_65536_colors_is_read() -> None:
    entries = list(range(65536))
    colors = palette(entries, entries, entries)
    for channel in ("Red", "Green", "Blue"):
        colors[f"{channel}PaletteColorLookupTableDescriptor"] = [0, 0, 16]
    assert shown(np.array([[0, 0x1234, 0xFFFF]], np.uint16), **colors) == [[[0] * 3, [0x12] * 3, [255] * 3]]


def segmented(words: list[int], entries: int, bits: int) -> dict[str, Any]:
    attributes: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for channel in ("Red", "Green", "Blue"):
        attributes[f"{channel}PaletteColorLookupTableDescriptor"] = [entries, 0, bits]
        code = f"<{len(words)}{'H' if bits == 16 else 'B'}"
        attributes[f"Segmented{channel}PaletteColorLookupTableData"] = struct.pack(code, *words)
    return attributes


def test_a_segmented_palette_is_unrolled() -> None:
    # discrete 0, 100; linear over 2 entries to 200; indirect: 1 segment from byte 0
    words = [0, 2, 0, 100, 1, 2, 200, 2, 1, 0, 0, 0, 0]
    pixels = np.array([[0, 1, 2, 3, 4, 5]], np.uint8)
    picture = shown(pixels, **segmented(words, 6, 8))
    assert [pixel[0] for pixel in picture[0]] == [0, 100, 150, 200, 0, 100]


def test_a_segmented_palette_of_16_bits_is_unrolled() -> None:
    words = [0, 1, 0x1000, 1, 2, 0x3000, 2, 1, 0, 0]
    picture = shown(np.array([[0, 1, 2, 3]], np.uint8), **segmented(words, 4, 16))
    assert [pixel[0] for pixel in picture[0]] == [0x10, 0x20, 0x30, 0x10]


@pytest.mark.parametrize(
    "words",
    [[1, 2, 200, 0], [9, 2, 200, 0], [2, 1, 0, 0, 0, 0], [0, 0, 0, 0]],
    ids=["linear first", "unknown", "loop", "empty"],
)
def test_a_segmented_palette_that_cannot_be_unrolled_is_unsupported(words: list[int]) -> None:
    with pytest.raises(BadInput) as caught:
        shown(INDICES, **segmented(words, 4, 8))
    assert caught.value.reason == "unsupported_pixel_format"


def test_an_image_without_its_palette_is_unsupported() -> None:
    with pytest.raises(BadInput) as caught:
        shown(INDICES, PhotometricInterpretation="PALETTE COLOR")
    assert caught.value.reason == "unsupported_pixel_format"


def test_a_palette_is_looked_up_before_pixels_are_averaged() -> None:
    colors = palette([0, 255, 0, 0], [0, 0, 0, 0], [0, 0, 0, 255], bits=8)
    pixels = np.array([[1, 3], [1, 3]], np.uint8)
    assert render_frame(dataset(pixels, **colors), 1, 1).tolist() == [[[128, 0, 128]]]
