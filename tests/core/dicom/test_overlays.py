"""Overlay planes, by PS3.3 C.9.2 and C.9.3, drawn on request alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000, ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.dicom.overlays import frame_overlays, has_overlay
from medsearch_core.dicom.pixels import render_frame
from medsearch_core.dicom.thumbnails import decode_png, thumbnail
from tests.core.dicom.encoders import LOSSLESS
from tests.support.factories import dataset, dicom_bytes

PLAIN = np.tile(np.arange(16, dtype=np.uint16) * 100, (12, 1))
BITS = np.zeros((12, 16), bool)
BITS[2, 3:9] = BITS[7, 15] = BITS[11, 0] = True
LINEAR: dict[str, Any] = {"WindowCenter": 1500, "WindowWidth": 3000}
FIELDS = {
    "rows": (0x10, "US"), "columns": (0x11, "US"), "frames": (0x15, "IS"), "kind": (0x40, "CS"), "origin": (0x50, "SS"),
    "first": (0x51, "US"), "allocated": (0x100, "US"), "position": (0x102, "US"), "data": (0x3000, "OW"),
}  # fmt: skip


def packed(bits: np.ndarray) -> bytes:
    data = np.packbits(bits.ravel(), bitorder="little").tobytes()
    return data + b"\0" * (len(data) % 2)


def add(ds: Dataset, group: int = 0x6000, bits: np.ndarray = BITS, **fields: Any) -> Dataset:
    """The data set with a plane; a field that is None is left out."""
    usual = {"rows": bits.shape[-2], "columns": bits.shape[-1], "kind": "G", "origin": [1, 1], "allocated": 1, "position": 0}
    for name, value in {**usual, "data": packed(bits), **fields}.items():
        element, vr = FIELDS[name]
        if value is not None:
            ds.add_new((group << 16) + element, vr, value)
    return ds


def object_with(*, pixels: np.ndarray = PLAIN, attributes: dict[str, Any] | None = None, **fields: Any) -> Dataset:
    return read_dataset(dicom_bytes(add(dataset(pixels, **LINEAR, **(attributes or {})), **fields)))


def drawn(ds: Dataset, frame: int = 1) -> np.ndarray:
    """Where the picture with overlays is white and the one without is not."""
    return (render_frame(ds, frame, has_overlays=True) != render_frame(ds, frame)).reshape(12, 16)


def test_a_plane_is_drawn_in_white_on_request_alone() -> None:
    ds = object_with()
    assert np.array_equal(drawn(ds), BITS)
    assert (render_frame(ds, 1, has_overlays=True)[BITS] == 255).all()
    assert np.array_equal(render_frame(ds, 1), render_frame(dataset(PLAIN, **LINEAR), 1))
    assert np.array_equal(thumbnail(ds, 1), thumbnail(dataset(PLAIN, **LINEAR), 1))


def test_a_plane_lies_at_its_origin_and_is_cut_at_the_edges() -> None:
    bits = np.ones((4, 5), bool)
    inside = np.zeros_like(BITS)
    inside[2:6, 4:9] = True
    assert np.array_equal(drawn(object_with(bits=bits, origin=[3, 5])), inside)
    corner = np.zeros_like(BITS)
    corner[:2, :1] = True
    assert np.array_equal(drawn(object_with(bits=bits, origin=[-1, -3])), corner)
    for origin in ([100, 1], [1, 100], [-100, 1], [1, -100]):
        assert not drawn(object_with(bits=bits, origin=origin)).any()


def test_several_planes_are_drawn_together() -> None:
    other = np.roll(BITS, 3, axis=0)
    ds = add(add(dataset(PLAIN, **LINEAR), 0x6000), 0x601E, other)
    assert np.array_equal(drawn(read_dataset(dicom_bytes(ds))), BITS | other)


def test_color_is_drawn_over_too() -> None:
    rgb = np.zeros((12, 16, 3), np.uint8)
    picture = render_frame(object_with(pixels=rgb), 1, has_overlays=True)
    assert np.array_equal(picture == 255, np.repeat(BITS[..., np.newaxis], 3, axis=2))


def test_a_thin_line_is_there_in_a_smaller_picture_too() -> None:
    small = render_frame(object_with(), 1, 8, has_overlays=True)
    assert small.shape == (6, 8)
    assert np.array_equal(small == 255, BITS.reshape(6, 2, 8, 2).any(axis=(1, 3)))


def test_pixels_that_are_not_square_are_stretched_with_it() -> None:
    ds = object_with(attributes={"PixelSpacing": [2, 1]})
    shown = render_frame(ds, 1, has_overlays=True)
    assert shown.shape == (24, 16)
    assert (shown[4:6, 4:8] == 255).all()


def cine(**fields: Any) -> Dataset:
    """Three frames with two planes."""
    return object_with(pixels=np.stack([PLAIN] * 3), bits=np.stack([BITS, BITS[::-1]]), **fields)


def test_planes_lie_over_the_frames_from_their_origin_on() -> None:
    ds = cine(frames=2, first=2)
    assert [has_overlay(ds, frame) for frame in (1, 2, 3)] == [False, True, True]
    assert not drawn(ds, 1).any()
    assert np.array_equal(drawn(ds, 2), BITS)
    assert np.array_equal(drawn(ds, 3), BITS[::-1])
    without = cine(frames=2)
    assert [drawn(without, frame).any() for frame in (1, 2, 3)] == [True, True, False]


def test_a_single_plane_without_numbers_lies_over_every_frame() -> None:
    ds = object_with(pixels=np.stack([PLAIN] * 3))
    assert all(np.array_equal(drawn(ds, frame), BITS) for frame in (1, 2, 3))
    one = object_with(pixels=np.stack([PLAIN] * 3), frames=1, first=3)
    assert [drawn(one, frame).any() for frame in (1, 2, 3)] == [False, False, True]


def test_planes_whose_bits_do_not_fill_bytes_follow_each_other_without_padding() -> None:
    bits = np.random.default_rng(3).random((2, 5, 3)) > 0.5
    ds = object_with(pixels=np.stack([PLAIN] * 2), bits=bits, frames=2)
    for frame in (1, 2):
        (found,), _ = frame_overlays(ds, frame)
        assert np.array_equal(found.bits, bits[frame - 1])


def test_words_in_big_endian_are_swapped() -> None:
    swapped = np.frombuffer(packed(BITS), "<u2").astype(">u2").tobytes()
    ds = add(dataset(PLAIN, transfer_syntax=ExplicitVRBigEndian, **LINEAR), data=swapped)
    assert np.array_equal(drawn(read_dataset(dicom_bytes(ds))), BITS)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless])
@pytest.mark.parametrize("bit", [12, 15])
def test_a_plane_in_unused_bits_of_the_pixels_is_found_there(syntax: str, bit: int) -> None:
    pixels = PLAIN | (BITS.astype(np.uint16) << bit)
    codestreams = [LOSSLESS[syntax](pixels)] if syntax in LOSSLESS else None
    ds = dataset(pixels, transfer_syntax=syntax, codestreams=codestreams, BitsStored=12, HighBit=11, **LINEAR)
    found = read_dataset(dicom_bytes(add(ds, allocated=16, position=bit, data=None)))
    assert np.array_equal(drawn(found), BITS)
    ((overlay,), faults) = frame_overlays(found, 1)
    assert overlay.is_embedded
    assert faults == []


BAD: dict[str, dict[str, Any]] = {
    "short data": {"data": packed(BITS)[:-2]},
    "no size": {"rows": 0},
    "no columns": {"columns": None},
    "an origin of one number": {"origin": [1]},
    "frames beyond the data": {"frames": 2, "first": 1},
    "no data and no place in the pixels": {"data": None},
    "a bit of the samples": {"data": None, "allocated": 16, "position": 3},
    "a bit that is none": {"data": None, "allocated": 16, "position": 16},
}


@pytest.mark.parametrize("name", BAD)
def test_a_plane_that_cannot_be_read_costs_itself_alone(name: str) -> None:
    fields = BAD[name]
    pixels = np.stack([PLAIN] * 2) if "frames" in fields else PLAIN
    bad = object_with(pixels=pixels, **fields)
    frame = 2 if "frames" in fields else 1
    assert np.array_equal(render_frame(bad, frame, has_overlays=True), render_frame(bad, frame))
    found = inspect_pixels(bad).frames[frame - 1]
    assert [each.code for each in found.disagreements] == ["overlay"]
    assert found.png
    good = read_dataset(dicom_bytes(add(bad, 0x6002)))
    assert np.array_equal(drawn(good, frame), BITS)


def test_lossy_compression_leaves_no_bits_for_a_plane() -> None:
    import imagecodecs

    code = bytes(imagecodecs.jpeg2k_encode(PLAIN, level=40, reversible=False))
    ds = dataset(PLAIN, transfer_syntax=JPEG2000, codestreams=[code], BitsStored=12, HighBit=11)
    read = read_dataset(dicom_bytes(add(ds, allocated=16, position=15, data=None)))
    overlays, faults = frame_overlays(read, 1)
    assert (overlays, len(faults)) == ([], 1)


def test_an_inspection_says_it_and_draws_on_request() -> None:
    ds = object_with()
    (frame,) = inspect_pixels(ds).frames
    (step,) = [step for step in frame.steps if step.name == "overlays"]
    assert (step.result, step.parameters) == ("not drawn", {"groups": ["6000"], "embedded": 0, "bits_set": int(BITS.sum())})
    (with_them,) = inspect_pixels(ds, has_overlays=True).frames
    assert np.array_equal(decode_png(with_them.png), render_frame(ds, 1, has_overlays=True))
    assert np.array_equal(decode_png(frame.png), render_frame(ds, 1))


def test_a_row_says_whether_its_frame_has_one() -> None:
    def rows(ds: Dataset) -> list[bool | None]:
        frames = [*range(1, int(ds.get("NumberOfFrames", 1)) + 1)]
        found = image_records(ds, patient="p1", study="s1", key="k", sha256="ab", bytes=1, frames=frames)
        return [row.has_overlay for row in found]

    assert rows(dataset(PLAIN)) == [False]
    assert rows(object_with()) == [True]
    assert rows(cine(frames=2, first=2)) == [False, True, True]
