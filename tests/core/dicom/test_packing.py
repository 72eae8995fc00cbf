"""How frames are packed: read from the bytes, whatever offset tables, the transfer syntax and padding say."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.decoding import check_pixels, decode_frame
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.errors import BadInput
from tests.core.dicom.encoders import LOSSLESS, RAMP, items, jpeg, stored
from tests.support.factories import dataset, dicom_bytes

FRAMES = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]])
ENCODED = {syntax: [encode(np.ascontiguousarray(frame)) for frame in FRAMES] for syntax, encode in LOSSLESS.items()}
WITH_SIGNATURE = [syntax for syntax in ENCODED if syntax != RLELossless]
UNCOMPRESSED_IN_ITEMS, DEFLATED_FRAMES = "1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"


def even(codestreams: list[bytes]) -> list[bytes]:
    return [data + b"\0" * (len(data) % 2) for data in codestreams]


def starts(codestreams: list[bytes], head: int = 8) -> list[int]:
    return [sum(len(data) + head for data in even(codestreams)[:n]) for n in range(len(codestreams))]


TABLES: dict[str, Callable[[list[bytes]], list[int]]] = {
    "right": starts,
    "none": lambda _: [],
    "zeros": lambda _: [0, 0, 0],
    "from the file's start": lambda data: [at + 1000 for at in starts(data)],
    "from its own start": lambda data: [at + 20 for at in starts(data)],
    "without item heads": lambda data: starts(data, head=0),
    "one entry": lambda _: [0],
    "one too many": lambda data: [*starts(data), sum(map(len, even(data))) + 24],
    "garbage": lambda _: [0, 100, 200],
    "backwards": lambda data: starts(data)[::-1],
}


def table(offsets: list[int]) -> bytes:
    return struct.pack(f"<{len(offsets)}L", *offsets)


def are_shown(ds: Dataset, expected: np.ndarray = FRAMES) -> None:
    assert check_pixels(ds) == len(expected)
    for number, frame in enumerate(expected, 1):
        assert np.array_equal(decode_frame(ds, number), frame), number


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("syntax", ENCODED, ids=lambda uid: uid.name)
def test_no_frame_is_lost_for_its_offset_table(syntax: str, name: str) -> None:
    codestreams = ENCODED[syntax]
    are_shown(stored(FRAMES, syntax, codestreams, items(*codestreams, table=table(TABLES[name](codestreams)))))


@pytest.mark.parametrize("name", TABLES)
def test_no_frame_is_lost_for_its_extended_offset_table(name: str) -> None:
    codestreams = ENCODED[JPEGLSLossless]
    offsets = TABLES[name](codestreams)
    ds = stored(
        FRAMES,
        JPEGLSLossless,
        codestreams,
        items(*codestreams),
        ExtendedOffsetTable=struct.pack(f"<{len(offsets)}Q", *offsets),
        ExtendedOffsetTableLengths=struct.pack(f"<{len(offsets)}Q", *range(1, len(offsets) + 1)),
    )
    are_shown(ds)


@pytest.mark.parametrize("name", ["none", "zeros", "garbage", "one entry"])
@pytest.mark.parametrize("syntax", WITH_SIGNATURE, ids=lambda uid: uid.name)
def test_frames_of_several_fragments_are_found_by_their_beginnings(syntax: str, name: str) -> None:
    parts = [data[at : at + 100] for data in even(ENCODED[syntax]) for at in range(0, len(data), 100)]
    assert len(parts) > len(FRAMES)
    are_shown(stored(FRAMES, syntax, ENCODED[syntax], items(*parts, table=table(TABLES[name](ENCODED[syntax])))))


@pytest.mark.parametrize("offsets", [[], [0], [0, 408, 816], [12345], [7, 7]])
@pytest.mark.parametrize("syntax", ENCODED, ids=lambda uid: uid.name)
def test_a_single_frame_is_all_of_its_fragments(syntax: str, offsets: list[int]) -> None:
    data = even(ENCODED[syntax])[0]
    parts = [data[at : at + 400] for at in range(0, len(data), 400)]
    are_shown(stored(RAMP, syntax, [data], items(*parts, table=table(offsets))), FRAMES[:1])


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless], ids=lambda uid: uid.name)
def test_frames_in_one_fragment_are_told_apart(syntax: str) -> None:
    are_shown(stored(FRAMES, syntax, ENCODED[syntax], items(b"".join(even(ENCODED[syntax])))))


def test_a_missing_offset_table_is_no_frame() -> None:
    codestreams = ENCODED[JPEGLSLossless]
    are_shown(stored(FRAMES, JPEGLSLossless, codestreams, items(*codestreams)[8:]))


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_frame_that_was_overwritten_costs_itself_alone(bad: int) -> None:
    codestreams = [data if n != bad else b"\0" * len(data) for n, data in enumerate(ENCODED[JPEGLSLossless])]
    ds = stored(FRAMES, JPEGLSLossless, codestreams)
    check_pixels(ds)
    for number, frame in enumerate(FRAMES, 1):
        if number == bad + 1:
            with pytest.raises(BadInput) as caught:
                decode_frame(ds, number)
            assert (caught.value.reason, caught.value.frame) == ("undecodable_pixel_data", number)
        else:
            assert np.array_equal(decode_frame(ds, number), frame)


@pytest.mark.parametrize("padding", [b"  ", b"\0" * 99, b"\xff\xff", b"\r\n", b"ab" * 600])
@pytest.mark.parametrize("syntax", WITH_SIGNATURE, ids=lambda uid: uid.name)
def test_anything_may_follow_the_end_of_an_image(syntax: str, padding: bytes) -> None:
    are_shown(stored(RAMP, syntax, [even(ENCODED[syntax])[0] + padding]), FRAMES[:1])


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=lambda uid: uid.name)
@pytest.mark.parametrize("codec", WITH_SIGNATURE, ids=lambda uid: uid.name)
def test_items_are_compressed_frames_in_a_native_transfer_syntax_too(syntax: str, codec: str) -> None:
    are_shown(stored(FRAMES, syntax, ENCODED[codec]))
    longer = [data + b"\0" * RAMP.nbytes for data in even(ENCODED[codec])]
    are_shown(stored(FRAMES, syntax, longer))


@pytest.mark.parametrize("syntax", WITH_SIGNATURE, ids=lambda uid: uid.name)
def test_a_codestream_without_items_is_a_frame(syntax: str) -> None:
    (data,) = even(ENCODED[syntax][:1])
    for stated in (syntax, ExplicitVRLittleEndian):
        ds = dataset(RAMP, PixelData=data)
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        read = read_dataset(dicom_bytes(ds))
        read.file_meta.TransferSyntaxUID = UID(stated)
        are_shown(read, FRAMES[:1])


@pytest.mark.parametrize("syntax", [UNCOMPRESSED_IN_ITEMS, JPEGLSLossless, ExplicitVRLittleEndian])
def test_uncompressed_frames_in_items_are_shown(syntax: str) -> None:
    are_shown(stored(FRAMES, syntax, [frame.tobytes() for frame in FRAMES]))


def test_uncompressed_frames_in_fragments_are_put_together() -> None:
    data = RAMP.tobytes()
    are_shown(stored(RAMP, UNCOMPRESSED_IN_ITEMS, [data], items(data[:5000], data[5000:])), FRAMES[:1])
    data = FRAMES.tobytes()
    for parts in ([data], [data[:5000], data[5000:]]):
        are_shown(stored(FRAMES, UNCOMPRESSED_IN_ITEMS, [data], items(*parts)))


def test_uncompressed_pixels_of_a_compressed_transfer_syntax_are_shown() -> None:
    ds = read_dataset(dicom_bytes(dataset(FRAMES)))
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    are_shown(ds)


def test_deflated_frames_are_inflated() -> None:
    deflated = []
    for frame in FRAMES:
        deflate = zlib.compressobj(wbits=-15)
        deflated.append(deflate.compress(frame.tobytes()) + deflate.flush())
    are_shown(stored(FRAMES, DEFLATED_FRAMES, deflated))


@pytest.mark.parametrize("stated", [JPEGBaseline8Bit, RLELossless, JPEG2000Lossless, "1.2.840.10008.1.2.4.57", "1.2.3.4"])
@pytest.mark.parametrize("codec", WITH_SIGNATURE, ids=lambda uid: uid.name)
def test_the_codestream_says_which_codec_it_needs(codec: str, stated: str) -> None:
    are_shown(stored(FRAMES, stated, ENCODED[codec]))


@pytest.mark.parametrize("syntax", [f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112)])
@pytest.mark.parametrize("has_boxes", [False, True])
def test_jpeg_xl_is_decoded(syntax: str, has_boxes: bool) -> None:
    colors = np.random.default_rng(1).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    for pixels in (RAMP, (RAMP >> 4).astype(np.uint8), colors):
        codestream = bytes(imagecodecs.jpegxl_encode(pixels, lossless=True, usecontainer=has_boxes))
        are_shown(stored(pixels, syntax, [codestream]), pixels[np.newaxis])
        bomb = stored(pixels, syntax, [codestream], Rows=pixels.shape[0] - 1)
        with pytest.raises(BadInput):
            decode_frame(bomb, 1)


@pytest.mark.parametrize("syntax", [f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 55)])
def test_a_progressive_jpeg_is_decoded_whatever_its_transfer_syntax(syntax: str) -> None:
    gray = (RAMP >> 4).astype(np.uint8)
    found = decode_frame(stored(gray, syntax, [jpeg(gray, progressive=True)]), 1)
    assert np.abs(found.astype(int) - gray).max() <= 4


def test_a_video_is_refused_by_its_transfer_syntax() -> None:
    ds = stored(FRAMES, "1.2.840.10008.1.2.4.100", [b"\0\0\1\xb3" + b"\x12" * 100])
    with pytest.raises(BadInput) as caught:
        check_pixels(ds)
    assert caught.value.reason == "undecodable_pixel_data"


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_of_two_images_under_one_frame_the_first_is_shown_and_an_inspection_says_so(syntax: str) -> None:
    first, second = LOSSLESS[syntax](RAMP), LOSSLESS[syntax](RAMP[::-1].copy())
    half = len(first) // 4 * 2
    for fragments in ([first, second], [first[:half], first[half:], second], [first, second[:half], second[half:]]):
        ds = stored(RAMP, syntax, fragments)
        assert check_pixels(ds) == 1
        assert np.array_equal(decode_frame(ds, 1), RAMP)
        assert "number_of_frames" in {each.code for each in inspect_pixels(ds).disagreements}
