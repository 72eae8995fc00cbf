from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from medsearch_core.dicom.codestreams.codecs import DECODERS, SYNTAXES
from medsearch_core.dicom.codestreams.detection import read_header
from medsearch_core.dicom.codestreams.header import Format
from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import check_pixels, decode_frame, render_frame
from medsearch_core.errors import BadInput, ConfigurationError
from tests.core.dicom.codestreams import CODESTREAMS, JPEG_2000, JPEG_LOSSLESS, JPEG_LS, PICTURE
from tests.support.factories import dataset, dicom_bytes

FRAMES = np.stack([PICTURE + n for n in range(3)])
NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian]


def compressed(syntax: UID, codestreams: list[bytes], bits: int, pixels: np.ndarray = PICTURE, **more: Any) -> Any:
    ds = dataset(pixels, transfer_syntax=syntax, codestreams=codestreams, BitsStored=bits, HighBit=bits - 1, **more)
    return read_dataset(dicom_bytes(ds))


def jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=100, **options)
    return buffer.getvalue()


def test_every_format_that_has_a_decoder_is_tried_here() -> None:
    found = {header.format for data, _, _ in CODESTREAMS.values() if (header := read_header(data))}
    assert found | {Format.JPEG_XL} == set(Format)
    assert set(DECODERS) == {*SYNTAXES.values(), RLELossless}


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda uid: uid.name)
def test_a_compressed_picture_is_decoded(syntax: UID) -> None:
    codestream, bits, tolerance = CODESTREAMS[syntax]
    ds = compressed(syntax, [codestream], bits)
    check_pixels(ds)
    found = decode_frame(ds, 1)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - PICTURE).max() <= tolerance


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda uid: uid.name)
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
def test_uncompressed_frames_of_every_depth_are_decoded_one_by_one(syntax: UID, dtype: npt.DTypeLike) -> None:
    numbers = np.arange(60) % 7 > 3 if dtype is bool else np.arange(-30, 30)
    pixels: np.ndarray = numbers.reshape(4, 3, 5).astype(dtype)
    ds = read_dataset(dicom_bytes(dataset(pixels, transfer_syntax=syntax)))
    check_pixels(ds)
    for frame in (1, 2, 3, 4):
        assert decode_frame(ds, frame).tolist() == pixels[frame - 1].astype(int).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_point_pixels_are_decoded(dtype: npt.DTypeLike) -> None:
    pixels: np.ndarray = np.array([[-1.5, 0.25], [3e8, 4.0]], dtype)
    assert decode_frame(read_dataset(dicom_bytes(dataset(pixels))), 1).tolist() == pixels.tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
def test_run_length_encoded_frames_are_decoded(dtype: npt.DTypeLike) -> None:
    ds = dataset((FRAMES % 100).astype(dtype))
    ds.compress(RLELossless)
    read = read_dataset(dicom_bytes(ds))
    assert [decode_frame(read, n).tolist() for n in (1, 2, 3)] == (FRAMES % 100).tolist()


def test_run_length_encoded_color_is_decoded() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    ds = dataset(pixels)
    ds.compress(RLELossless)
    assert render_frame(read_dataset(dicom_bytes(ds)), 1).tolist() == pixels.tolist()


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit], ids=lambda uid: uid.name)
def test_a_gray_jpeg_of_8_bits_is_decoded(syntax: UID) -> None:
    pixels = np.full((8, 8), 77, np.uint8)
    ds = compressed(syntax, [jpeg(Image.fromarray(pixels))], 8, pixels)
    assert np.abs(decode_frame(ds, 1).astype(int) - 77).max() <= 1


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("stated", ["YBR_FULL_422", "YBR_FULL", "RGB"])
def test_a_color_jpeg_is_shown_in_its_colors_whatever_the_header_states(subsampling: int, stated: str) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = (200, 30, 60)
    data = jpeg(Image.fromarray(pixels), subsampling=subsampling)
    ds = compressed(JPEGBaseline8Bit, [data], 8, pixels, PhotometricInterpretation=stated)
    away_from_the_edge = np.r_[0:6, 10:16]
    assert np.abs(render_frame(ds, 1).astype(int) - pixels)[away_from_the_edge].max() <= 4


def test_a_jpeg_that_stores_rgb_is_shown_in_its_colors() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = (200, 30, 60)
    data = jpeg(Image.fromarray(pixels), keep_rgb=True)
    ds = compressed(JPEGBaseline8Bit, [data], 8, pixels, PhotometricInterpretation="RGB")
    assert np.abs(render_frame(ds, 1).astype(int) - pixels).max() <= 4


@pytest.mark.parametrize("stated", ["RGB", "YBR_RCT"])
def test_color_in_jpeg_2000_is_shown_in_its_colors(stated: str) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    ds = dataset(pixels, PhotometricInterpretation=stated)
    ds.compress(JPEG2000Lossless)
    assert render_frame(read_dataset(dicom_bytes(ds)), 1).tolist() == pixels.tolist()


def test_signed_pixels_survive_jpeg_2000_and_jpeg_ls() -> None:
    pixels = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    ds = dataset(pixels)
    ds.compress(JPEG2000Lossless)
    assert decode_frame(read_dataset(dicom_bytes(ds)), 1).tolist() == pixels.tolist()
    signed = compressed(JPEGLSLossless, [JPEG_LS], 16, PICTURE.astype(np.int16))
    assert decode_frame(signed, 1).tolist() == PICTURE.tolist()


def test_one_frame_of_several_is_decoded_from_its_own_fragment() -> None:
    ds = compressed(JPEGLossless, [JPEG_LOSSLESS] * 2 + [b"\xff\xd8\xff\xd9"], 12, np.stack([PICTURE] * 3))
    assert decode_frame(ds, 2).tolist() == PICTURE.tolist()
    with pytest.raises(BadInput) as caught:
        decode_frame(ds, 3)
    assert (caught.value.reason, caught.value.frame) == ("undecodable_pixel_data", 3)


def test_an_extended_offset_table_is_followed() -> None:
    lengths = [len(JPEG_2000), len(JPEG_2000)]
    padded = (len(JPEG_2000) + 1) // 2 * 2
    ds = compressed(
        JPEG2000Lossless,
        [JPEG_2000] * 2,
        12,
        np.stack([PICTURE] * 2),
        ExtendedOffsetTable=struct.pack("<2Q", 0, padded + 8),
        ExtendedOffsetTableLengths=struct.pack("<2Q", *lengths),
    )
    ds.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + ds.PixelData[16:]
    check_pixels(ds)
    assert decode_frame(ds, 2).tolist() == PICTURE.tolist()


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda uid: uid.name)
def test_a_codestream_of_another_size_than_the_header_is_refused(syntax: UID) -> None:
    codestream, bits, _ = CODESTREAMS[syntax]
    header = read_header(codestream)
    assert header is not None
    assert (header.rows, header.columns) == (6, 8)
    ds = compressed(syntax, [codestream], bits, Rows=8, Columns=6)
    with pytest.raises(BadInput) as caught:
        decode_frame(ds, 1)
    assert caught.value.reason == "undecodable_pixel_data"


def test_a_codestream_that_claims_a_gigapixel_is_refused_before_it_is_decoded() -> None:
    bomb = JPEG_2000[:8] + struct.pack(">2L", 2**30, 2**30) + JPEG_2000[16:]
    with pytest.raises(BadInput):
        decode_frame(compressed(JPEG2000Lossless, [bomb], 12), 1)


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda uid: uid.name)
@pytest.mark.parametrize("kept", [0, 1])
def test_a_damaged_codestream_is_refused_in_our_own_words(syntax: UID, kept: int) -> None:
    codestream, bits, _ = CODESTREAMS[syntax]
    end_of_size = codestream.index(b"\0\x06\0\x08") + 5 if codestream[:2] == b"\xff\xd8" else 40
    ds = compressed(syntax, [codestream[: kept * end_of_size] + b"SMITH^JOHN" * 20], bits)
    with pytest.raises(BadInput):
        check_pixels(compressed(syntax, [b"SMITH^JOHN" * 20], bits))
    with pytest.raises(BadInput) as caught:
        decode_frame(ds, 1)
    assert caught.value.reason == "undecodable_pixel_data"
    assert (caught.value.__context__, caught.value.frame) == (None, 1)
    assert "SMITH" not in caught.value.detail
    if kept:
        assert caught.value.detail.startswith(f"cannot be decoded from {ds.file_meta.TransferSyntaxUID.name} (")


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_box_that_is_shorter_than_its_head_does_not_hang_the_reader(length: int) -> None:
    box = length.to_bytes(4, "big") + b"ftyp" + b"jp2 " * 3
    ds = compressed(JPEG2000Lossless, [b"\0\0\0\x0cjP  \r\n\x87\n" + box + JPEG_2000], 12)
    with pytest.raises(BadInput):
        decode_frame(ds, 1)


def test_a_run_that_ends_beyond_its_segment_is_a_bad_frame() -> None:
    ds = dataset(np.zeros((6, 8), np.uint8))
    ds.compress(RLELossless)
    stored = read_dataset(dicom_bytes(ds))
    header, literal_beyond_the_end = struct.pack("<16L", 1, 64, *[0] * 14), b"\x7f\x00"
    stored.PixelData = encapsulate([header + literal_beyond_the_end])
    with pytest.raises(BadInput) as caught:
        decode_frame(stored, 1)
    assert caught.value.reason == "undecodable_pixel_data"


def test_a_panic_in_rust_is_a_bad_frame_and_an_interrupt_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop_with(error: BaseException) -> None:
        def raising(*_: object) -> None:
            raise error

        monkeypatch.setattr("medsearch_core.dicom.decoding.native_frame", raising)

    stop_with(type("PanicException", (BaseException,), {})())
    with pytest.raises(BadInput):
        decode_frame(dataset(), 1)
    stop_with(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        decode_frame(dataset(), 1)


def test_a_decoder_that_is_not_installed_is_no_fault_of_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECODERS, JPEG2000Lossless, "not installed")
    ds = compressed(JPEG2000Lossless, [JPEG_2000], 12)
    with pytest.raises(ConfigurationError):
        decode_frame(ds, 1)
