from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, RLELossless

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.pixels import check_pixels, decode_frame, frame_count, render_frame
from medsearch_core.errors import BadInput
from tests.core.dicom.codestreams import JPEG_2000, PICTURE
from tests.support.factories import GRADIENT, dataset, dicom_bytes

COLOR = np.zeros((4, 4, 3), np.uint8)
MPEG2 = "1.2.840.10008.1.2.4.100"


def reason(ds: Any, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        check_pixels(ds, **options)
    assert caught.value.__context__ is None
    return caught.value.reason


def compressed(pixels: np.ndarray = GRADIENT, **attributes: Any) -> Any:
    ds = dataset(pixels)
    ds.compress(RLELossless)
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize(
    "ds",
    [
        dataset(),
        dataset(np.zeros((3, 5), np.uint8)),
        dataset(np.zeros((3, 3), bool)),
        dataset(np.zeros((5, 3, 3), bool)),
        dataset(np.zeros((2, 4, 4, 3), np.uint8)),
        dataset(np.zeros((2, 2), np.float32)),
        dataset(np.zeros((2, 2), np.float64)),
        compressed(),
        compressed(np.zeros((3, 4, 4), np.uint16)),
    ],
    ids=["16 bits", "odd length", "1 bit", "1 bit frames", "color", "float", "double", "rle", "rle frames"],
)
def test_whole_pixel_data_passes(ds: Any) -> None:
    check_pixels(ds)


def test_an_object_without_an_image_has_no_pixel_data() -> None:
    assert reason(dataset(None)) == "no_pixel_data"
    assert reason(dataset(PixelData=b"")) == "no_pixel_data"
    assert reason(read_dataset(dicom_bytes(dataset()), stop_before_pixels=True)) == "no_pixel_data"


@pytest.mark.parametrize(
    "attributes",
    [
        {"Rows": None},
        {"Rows": 0},
        {"Columns": None},
        {"BitsAllocated": 12, "BitsStored": 12},
        {"BitsAllocated": 64},
        {"BitsAllocated": None, "BitsStored": None},
        {"BitsStored": 17},
        {"PhotometricInterpretation": None},
        {"PhotometricInterpretation": "CMYK"},
        {"PhotometricInterpretation": "YBR_PARTIAL_420"},
        {"PhotometricInterpretation": "RGB"},
    ],
    ids=str,
)
def test_a_frame_that_cannot_be_shown_is_unsupported(attributes: dict[str, Any]) -> None:
    ds = dataset(**attributes)
    assert reason(ds) == "unsupported_pixel_format"
    with pytest.raises(BadInput):
        render_frame(ds, 1)


def test_a_planar_configuration_that_is_none_is_unsupported() -> None:
    assert reason(dataset(COLOR, PlanarConfiguration=2)) == "unsupported_pixel_format"


def test_a_frame_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    assert reason(dataset(), max_pixels=47) == "unsupported_pixel_format"
    check_pixels(dataset(), max_pixels=48)
    bomb = dataset(Rows=65535, Columns=65535)
    assert reason(bomb) == "unsupported_pixel_format"


@pytest.mark.parametrize("claim", ["0 ", "-1", "1A"])
@pytest.mark.parametrize(
    ("ds", "held"),
    [(dataset(), 1), (dataset(np.zeros((3, 4, 4), np.uint8)), 3), (dataset(np.zeros((2, 4, 4, 3), np.uint8)), 2)],
    ids=["one", "three", "two in color"],
)
def test_a_number_of_frames_that_is_none_is_as_many_as_there_are(ds: Any, held: int, claim: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.NumberOfFrames = 12
        data = dicom_bytes(ds).replace(b"IS\x02\x0012", b"IS\x02\x00" + claim.encode())
    found = read_dataset(data)
    assert (frame_count(found), check_pixels(found)) == (held, held)
    assert render_frame(found, held).shape[:2] == (ds.Rows, ds.Columns)


def test_compressed_frames_are_counted_by_their_beginnings() -> None:
    ds = dataset(PICTURE, transfer_syntax=JPEG2000Lossless, codestreams=[JPEG_2000] * 3, NumberOfFrames=0)
    assert frame_count(ds) == 3


def test_frames_are_counted_and_default_to_one() -> None:
    assert frame_count(dataset()) == 1
    assert frame_count(dataset(NumberOfFrames="")) == 1
    assert frame_count(dataset(np.zeros((5, 4, 4), np.uint8))) == 5


@pytest.mark.parametrize(
    "ds",
    [
        dataset(Rows=7),
        dataset(COLOR, Columns=5),
        dataset(np.zeros((3, 3), bool), Rows=20),
        dataset(np.zeros((2, 2), np.float32), Rows=3),
        dataset(COLOR, PhotometricInterpretation="YBR_FULL_422", PixelData=b"\0" * 30),
    ],
    ids=["rows", "columns", "bits", "float", "422"],
)
def test_native_pixel_data_shorter_than_its_frames_is_truncated(ds: Any) -> None:
    assert reason(ds) == "truncated_pixel_data"


@pytest.mark.parametrize(
    "ds",
    [
        dataset(np.zeros((2, 4, 5), np.uint8), NumberOfFrames=3),
        dataset(np.zeros((3, 4, 5), np.uint8), PixelData=b"\0" * 59),
        dataset(np.zeros((3, 3, 5), bool), NumberOfFrames=4),
        compressed(np.zeros((2, 4, 4), np.uint16), NumberOfFrames=3),
    ],
    ids=["frame", "byte", "bits", "compressed"],
)
def test_a_missing_frame_costs_that_frame_alone(ds: Any) -> None:
    held = check_pixels(ds)
    assert held == ds.NumberOfFrames - 1
    assert not decode_frame(ds, held).any()
    with pytest.raises(BadInput) as caught:
        decode_frame(ds, held + 1)
    assert (caught.value.reason, caught.value.frame) == ("truncated_pixel_data", held + 1)


def test_a_last_fragment_that_is_cut_off_costs_its_frame_alone() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (3, 20, 20)).astype(np.uint8)
    ds = read_dataset(dicom_bytes(compressed(noise))[:-20])
    assert check_pixels(ds) == 2
    assert decode_frame(ds, 2).tolist() == noise[1].tolist()


@pytest.mark.parametrize("samples", [2, 3])
def test_samples_per_pixel_give_way_to_the_bytes(samples: int) -> None:
    ds = dataset(SamplesPerPixel=samples)
    check_pixels(ds)
    assert decode_frame(ds, 1).tolist() == GRADIENT.tolist()
    assert reason(dataset(SamplesPerPixel=samples, PixelData=b"\0" * 96 * samples)) == "unsupported_pixel_format"


@pytest.mark.parametrize("cut", [1, 9, 20])
def test_compressed_pixel_data_that_is_cut_off_is_truncated(cut: int) -> None:
    whole = dicom_bytes(compressed(np.arange(4096, dtype=np.uint16).reshape(64, 64)))
    ds = read_dataset(whole[: -8 - cut])
    assert reason(ds) == "truncated_pixel_data"


def test_a_missing_delimiter_after_the_last_fragment_is_forgiven() -> None:
    ds = read_dataset(dicom_bytes(compressed())[:-8])
    check_pixels(ds)
    assert decode_frame(ds, 1).tolist() == GRADIENT.tolist()


def test_compressed_pixel_data_that_is_not_in_fragments_cannot_be_decoded() -> None:
    assert reason(compressed(PixelData=b"\0" * 95)) == "undecodable_pixel_data"
    assert reason(compressed(PixelData=encapsulate([b"\0" * 64]) + b"abcdefgh")) == "undecodable_pixel_data"


@pytest.mark.parametrize("syntax", [MPEG2, "1.2.3.4.5"])
def test_a_transfer_syntax_without_a_decoder_is_refused_unnamed_if_unknown(syntax: str) -> None:
    ds = compressed()
    ds.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(BadInput) as caught:
        check_pixels(ds)
    assert caught.value.reason == "undecodable_pixel_data"
    assert "1.2.3.4.5" not in caught.value.detail


def test_a_frame_that_is_not_there_is_the_callers_mistake() -> None:
    for frame in (0, 2):
        with pytest.raises(IndexError):
            decode_frame(dataset(), frame)
