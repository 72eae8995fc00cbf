"""What the model sees of an uploaded file: what it would have seen of it had it landed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import thumbnail
from medsearch_core.errors import BadInput, TooManyPixels
from medsearch_pipeline.embedder.pictures import Picture, picture_of
from tests.support.factories import dataset, dicom_bytes
from tests.support.pictures import PDF, TEXT, jpeg, png, png_bomb

SIDE = 512
GRADIENT = np.add.outer(np.arange(60), np.arange(40)).astype(np.uint8)
RADIOGRAPH = (np.add.outer(np.arange(1500), np.arange(1200)) * 1.5 % 4096).astype(np.uint16)


def shown(data: bytes, max_pixels: int = 10_000_000) -> Picture:
    return picture_of(data, SIDE, max_pixels)


def test_a_dicom_object_is_shown_as_it_would_be_ingested() -> None:
    data = dicom_bytes(dataset(RADIOGRAPH, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11))
    picture = shown(data)
    assert (picture.format, picture.frame, picture.frames, picture.rows, picture.columns) == ("DICOM", 1, 1, 1500, 1200)
    assert np.array_equal(picture.pixels, thumbnail(read_dataset(data), 1, SIDE))


def test_of_several_frames_the_middle_one_is_shown() -> None:
    frames = np.stack([np.full((8, 8), 50 * number, np.uint8) for number in range(4)])
    frames[:, 0, 0], frames[:, 0, 1] = 255, 0
    picture = shown(dicom_bytes(dataset(frames, WindowCenter=128, WindowWidth=256)))
    assert (picture.frame, picture.frames) == (3, 4)
    assert abs(int(picture.pixels[4, 4]) - 100) <= 1


def test_a_dicom_object_needs_no_identity() -> None:
    nobody: dict[str, Any] = dict.fromkeys(("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "StudyID"))
    assert shown(dicom_bytes(dataset(**nobody))).format == "DICOM"


def test_a_full_size_png_of_a_radiograph_is_the_picture_of_its_dicom() -> None:
    ds = read_dataset(dicom_bytes(dataset(RADIOGRAPH, WindowCenter=2048, WindowWidth=4096)))
    picture = shown(png(render_frame(ds, 1)))
    assert (picture.format, picture.rows, picture.columns) == ("PNG", 1500, 1200)
    assert picture.pixels.shape == (512, 410)
    differences = np.abs(picture.pixels.astype(int) - thumbnail(ds, 1, SIDE))
    assert differences.mean() < 1


def test_sixteen_bits_of_a_png_keep_their_high_byte() -> None:
    assert np.array_equal(shown(png(GRADIENT.astype(np.uint16) << 8 | 0x7F)).pixels, GRADIENT)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_is_shown_in_gray_or_in_colour(mode: str) -> None:
    picture = shown(jpeg(GRADIENT, mode))
    assert picture.format == "JPEG"
    assert picture.pixels.shape == ((60, 40) if mode == "L" else (60, 40, 3))
    gray = np.asarray(Image.fromarray(picture.pixels).convert("L")).astype(int)
    assert np.abs(gray - GRADIENT).max() <= 3


def test_a_photographs_orientation_is_applied() -> None:
    picture = shown(jpeg(GRADIENT, orientation=6))
    assert (picture.rows, picture.columns) == (40, 60)
    assert np.abs(picture.pixels.astype(int) - np.rot90(GRADIENT, -1)).max() <= 3


def test_a_dicom_object_that_begins_as_a_png_is_a_dicom_object() -> None:
    assert shown(png(GRADIENT)[:128].ljust(128, b"\0") + dicom_bytes(dataset())[128:]).format == "DICOM"


WHOLE = dicom_bytes(dataset(RADIOGRAPH))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_object"),
        (TEXT, "not_an_image"),
        (PDF, "not_an_image"),
        (b"GIF89a" + bytes(100), "not_an_image"),
        (png(GRADIENT)[:-40], "undecodable_pixel_data"),
        (b"\x89PNG\r\n\x1a\n" + TEXT, "undecodable_pixel_data"),
        (jpeg(GRADIENT)[:-200], "undecodable_pixel_data"),
        (b"\xff\xd8\xff" + TEXT, "undecodable_pixel_data"),
        (WHOLE[:-1000], "truncated_pixel_data"),
        (WHOLE[:300], "truncated_header"),
        (dicom_bytes(dataset(None)), "no_pixel_data"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_picture_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        shown(data)
    assert refused.value.reason == reason
    assert not isinstance(refused.value, TooManyPixels)


@pytest.mark.parametrize(
    "data", [png_bomb(3000), png(np.zeros((1100, 1000), np.uint8)), jpeg(np.zeros((1100, 1000), np.uint8))]
)
def test_a_picture_of_too_many_pixels_is_not_decoded(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Image.Image) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(TooManyPixels):
        shown(data, 1_000_000)


def test_more_pixels_than_pillow_would_open_are_too_many() -> None:
    with pytest.raises(TooManyPixels):
        shown(png_bomb(14_000), 50_000_000)


def test_a_dicom_frame_of_too_many_pixels_is_refused_as_that() -> None:
    with pytest.raises(TooManyPixels):
        shown(WHOLE, 1_000_000)
