from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from medsearch_core.dicom.thumbnails import decode_png, encode_png, thumbnail
from medsearch_core.errors import BadInput
from tests.support.factories import dataset


def png_of(mode: str, array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_thumbnails_longer_side_is_512_and_its_proportions_are_kept() -> None:
    assert thumbnail(dataset(np.zeros((3056, 2544), np.uint16)), 1).shape == (512, 426)
    assert thumbnail(dataset(np.zeros((100, 1024, 3), np.uint8)), 1).shape == (50, 512, 3)
    assert thumbnail(dataset(np.zeros((300, 200), np.uint16)), 1, 30).shape == (30, 20)


def test_a_small_picture_is_not_enlarged() -> None:
    assert thumbnail(dataset(np.zeros((60, 80), np.uint8)), 1).shape == (60, 80)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.binary(min_size=243, max_size=243))
def test_a_png_gives_back_the_picture(rows: int, columns: int, is_color: bool, data: bytes) -> None:
    shape = (rows, columns, 3) if is_color else (rows, columns)
    picture = np.frombuffer(data, np.uint8)[: int(np.prod(shape))].reshape(shape)
    png = encode_png(picture)
    assert np.array_equal(decode_png(png), picture)
    assert png == encode_png(picture.copy())


def test_a_png_holds_nothing_but_pixels() -> None:
    png = encode_png(np.zeros((4, 4), np.uint8))
    chunks, at = [], 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        chunks.append(png[at + 4 : at + 8])
        assert zlib.crc32(png[at + 4 : at + 8 + length]) == int.from_bytes(png[at + 8 + length : at + 12 + length], "big")
        at += 12 + length
    assert chunks == [b"IHDR", b"IDAT", b"IEND"]


def test_a_picture_that_is_a_view_is_encoded_as_it_looks() -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[:, ::2]
    assert np.array_equal(decode_png(encode_png(picture)), picture)


def test_anyones_png_is_read() -> None:
    gray, color = np.array([[0, 255]], np.uint8), np.array([[[9, 8, 7]]], np.uint8)
    assert decode_png(png_of("1", gray)).tolist() == [[0, 255]]
    assert decode_png(png_of("LA", gray)).tolist() == [[0, 255]]
    assert decode_png(png_of("RGBA", color)).tolist() == [[[9, 8, 7]]]
    assert decode_png(png_of("P", color)).shape == (1, 1, 3)
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 0x1234, 0xFFFF]], np.uint16)).save(buffer, "PNG")
    assert decode_png(buffer.getvalue()).tolist() == [[0, 0x12, 0xFF]]


NOISE = np.random.default_rng(7).integers(0, 256, (40, 40)).astype(np.uint8)


@pytest.mark.parametrize("data", [b"", b"SMITH^JOHN", png_of("L", NOISE)[:900]], ids=["empty", "text", "cut"])
def test_what_is_no_png_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        decode_png(data)
    assert caught.value.reason == "undecodable_pixel_data"
    assert caught.value.__context__ is None


def test_a_png_bomb_is_refused_before_it_is_decoded() -> None:
    png = bytearray(encode_png(np.zeros((4, 4), np.uint8)))
    png[16:24] = (60000).to_bytes(4, "big") * 2
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    with pytest.raises(BadInput) as caught:
        decode_png(bytes(png))
    assert caught.value.reason == "unsupported_pixel_format"
