"""An inspection says how each frame was decoded and drawn, and where its header and its bytes contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from medsearch_core.dicom.dataset import read_dataset
from medsearch_core.dicom.inspection.inspect import inspect_pixels
from medsearch_core.dicom.inspection.record import FrameInspection, PixelInspection
from medsearch_core.dicom.thumbnails import decode_png, drawn_thumbnail, encode_png
from medsearch_core.errors import BadInput
from tests.core.dicom.encoders import LOSSLESS, RAMP, jpeg
from tests.support.factories import dataset, dicom_bytes, sequence_item

RGB = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
JPEG_LS = LOSSLESS[JPEGLSLossless](RAMP)
WORDS = np.arange(4096, dtype="<u2").tobytes()
TWELVE_BITS: dict[str, Any] = {"BitsStored": 12, "HighBit": 11}


def reread(ds: Dataset) -> Dataset:
    return read_dataset(dicom_bytes(ds))


def inspect(ds: Dataset, longest_side: int = 512) -> PixelInspection:
    return inspect_pixels(reread(ds), longest_side)


def codes(found: PixelInspection) -> list[tuple[str, int | None]]:
    of_frames = [each for frame in found.frames for each in frame.disagreements]
    return [(each.code, each.frame) for each in (*found.disagreements, *of_frames)]


def steps(frame: FrameInspection) -> dict[str, tuple[str, Mapping[str, Any]]]:
    return {step.name: (step.result, step.parameters) for step in frame.steps}


def ramp(**attributes: Any) -> Dataset:
    return dataset(RAMP, **{**TWELVE_BITS, **attributes})


def compressed(*codestreams: bytes, syntax: str = JPEGLSLossless, **attributes: Any) -> Dataset:
    frames = {"NumberOfFrames": len(codestreams)} if len(codestreams) > 1 else {}
    return dataset(RAMP, transfer_syntax=syntax, codestreams=[*codestreams], **{**TWELVE_BITS, **frames, **attributes})


PICTURES = {
    "gray": ramp(),
    "low bright": ramp(PhotometricInterpretation="MONOCHROME1", WindowCenter=2000, WindowWidth=500),
    "oblong pixels": ramp(PixelSpacing=[2, 1]),
    "color": dataset(RGB),
    "JPEG": dataset(RGB, transfer_syntax=JPEGBaseline8Bit, codestreams=[jpeg(RGB)], PhotometricInterpretation="YBR_FULL_422"),
    "frames": dataset(np.stack([RAMP, RAMP[::-1], RAMP // 2])),
    "float": dataset(RAMP.astype(np.float32) / 7),
    "single bits": dataset(RAMP > 2000),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("side", [64, 512])
def test_its_picture_is_the_thumbnail(name: str, side: int) -> None:
    found = inspect(PICTURES[name], side)
    expected = [encode_png(drawn_thumbnail(reread(PICTURES[name]), n, side).pixels) for n in range(1, found.claimed + 1)]
    assert [frame.png for frame in found.frames] == expected
    for frame in found.frames:
        height, width = decode_png(frame.png).shape[:2]
        parameters = steps(frame)["size"][1]
        assert (parameters["height"], parameters["width"]) == (height, width)


def test_a_large_jpeg_2000_is_halved_as_for_its_thumbnail() -> None:
    large = np.kron(RAMP, np.ones((8, 8), np.uint16))
    ds = dataset(large, transfer_syntax=JPEG2000Lossless, codestreams=[LOSSLESS[JPEG2000Lossless](large)], **TWELVE_BITS)
    (frame,) = inspect(ds, 96).frames
    result, parameters = steps(frame)["decoding"]
    assert (result, parameters["halvings"], parameters["decoder"]) == ("JPEG 2000", 2, "reduced")
    assert frame.png == encode_png(drawn_thumbnail(reread(ds), 1, 96).pixels)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_an_object_whose_header_is_right_has_no_disagreement(syntax: str) -> None:
    found = inspect(compressed(LOSSLESS[syntax](RAMP), syntax=syntax))
    assert codes(found) == []
    assert steps(found.frames[0])["samples"][1]["max"] == 4095
    assert found.steps[1].result == "items"


@pytest.mark.parametrize("name", PICTURES)
def test_nor_has_one_that_is_not_compressed_or_in_another_kind_of_color(name: str) -> None:
    assert codes(inspect(PICTURES[name])) == []


def test_the_steps_name_their_parameters() -> None:
    ds = ramp(
        RescaleSlope=2, RescaleIntercept=-1024, RescaleType="HU", WindowCenter=[90000, 40], WindowWidth=[10, 400],
        PixelPaddingValue=0, PresentationLUTShape="INVERSE",
    )  # fmt: skip
    found = steps(inspect(ds).frames[0])
    assert list(found) == ["decoding", "samples", "colors", "size", "padding", "modality", "grays", "presentation"]
    assert found["samples"] == (
        "12 bits, unsigned",
        {"bits": 12, "is_signed": False, "min": 0, "max": 4095, "held_bits": 16, "lowest_bit": 0, "is_cut_out": False},
    )
    assert found["modality"] == ("rescale", {"slope": 2.0, "intercept": -1024.0, "unit": "HU"})
    assert found["grays"] == ("window 2", {"center": 40.0, "width": 400.0, "function": "LINEAR"})
    assert found["presentation"] == ("low values are bright", {"is_presentation_lut_inverse": True})
    result, parameters = found["padding"]
    assert (result, parameters["low"]) == ("0", 0)
    assert parameters["share"] == round(float((RAMP == 0).mean()), 4)


def test_percentiles_are_told_with_their_limits() -> None:
    result, parameters = steps(inspect(ramp()).frames[0])["grays"]
    assert result == "percentiles"
    assert [parameters["low"], parameters["high"]] == pytest.approx(np.percentile(RAMP, [0.5, 99.5]))


def test_tables_are_told_with_what_they_claim_and_have() -> None:
    table = sequence_item(LUTDescriptor=[4096, 0, 16], LUTData=WORDS)
    result, parameters = steps(inspect(ramp(VOILUTSequence=[table])).frames[0])["grays"]
    assert (result, parameters) == ("VOI LUT", {"entries": 4096, "first": 0, "claimed_bits": 16, "bits": 12})


def test_a_palette_is_a_step_and_grays_are_none() -> None:
    indices = (RAMP // 1024).astype(np.uint8)
    tables: dict[str, Any] = {}
    for channel in ("Red", "Green", "Blue"):
        tables[f"{channel}PaletteColorLookupTableDescriptor"] = [4, 0, 16]
        tables[f"{channel}PaletteColorLookupTableData"] = np.array([0, 9000, 30000, 65535], "<u2").tobytes()
    found = steps(inspect(dataset(indices, PhotometricInterpretation="PALETTE COLOR", **tables)).frames[0])
    assert list(found) == ["decoding", "samples", "colors", "palette", "size"]
    assert found["palette"][1] == {"entries": [4, 4, 4], "first": 0, "claimed_bits": 16, "bits": 16}


def with_table(*offsets: int) -> Dataset:
    """Two frames with another offset table."""
    ds = compressed(JPEG_LS, JPEG_LS)
    length = int.from_bytes(ds.PixelData[4:8], "little")
    table = b"".join(offset.to_bytes(4, "little") for offset in offsets)
    ds.PixelData = b"".join((ds.PixelData[:4], len(table).to_bytes(4, "little"), table, ds.PixelData[8 + length :]))
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


OVERLAID = RAMP | np.uint16(0x8000)
EIGHT_BIT = (RAMP >> 4).astype(np.uint8)


@pytest.mark.parametrize(
    ("ds", "expected"),
    [
        (compressed(JPEG_LS, syntax=JPEG2000Lossless), [("transfer_syntax", 1)]),
        (compressed(JPEG_LS, syntax=ExplicitVRLittleEndian), [("packing", None), ("transfer_syntax", 1)]),
        (compressed(RAMP.tobytes()), [("transfer_syntax", 1)]),
        (ramp(NumberOfFrames=0), [("number_of_frames", None)]),
        (compressed(JPEG_LS, JPEG_LS, NumberOfFrames=1), [("number_of_frames", None), ("offset_table", None)]),
        (ramp(PixelData=RAMP.tobytes() + bytes(64)), [("excess_bytes", None)]),
        (with_table(0, 2), [("offset_table", None)]),
        (with_table(), []),
        (dataset(OVERLAID, **TWELVE_BITS), [("other_bits", 1)]),
        (dataset(RAMP << 4, BitsStored=12, HighBit=15), []),
        (ramp(HighBit=15), [("high_bit", 1)]),
        (compressed(LOSSLESS[JPEGLosslessSV1](EIGHT_BIT), syntax=JPEGLosslessSV1), [("bits_stored", 1)]),
        (compressed(LOSSLESS[JPEG2000Lossless](RAMP), syntax=JPEG2000Lossless, PixelRepresentation=1), [("sign", 1)]),
        (
            dataset(RGB, transfer_syntax=JPEGBaseline8Bit, codestreams=[jpeg(RGB)], PhotometricInterpretation="RGB"),
            [("colors", 1)],
        ),
        (
            dataset(RGB[..., 0], transfer_syntax=JPEGBaseline8Bit, codestreams=[jpeg(RGB)]),
            [("samples_per_pixel", 1)],
        ),
        (ramp(WindowCenter=[9000, 0, 2000], WindowWidth=[2, 0, 4000]), [("window_width", 1), ("grays", 1)]),
        (ramp(PixelPaddingValue=63536), [("padding_value", 1)]),
        (
            ramp(VOILUTSequence=[sequence_item(LUTDescriptor=[4096, 0, 12], LUTData=WORDS[:2048])]),
            [("lut_entries", 1), ("voi_lut_bits", 1)],
        ),
        (ramp(VOILUTSequence=[sequence_item(LUTDescriptor=[4096, 0, 12])]), [("lut_unusable", 1)]),
        (ramp(ModalityLUTSequence=[sequence_item(LUTDescriptor=[4096, 0, 12])]), [("lut_unusable", 1)]),
    ],
    ids=lambda value: "+".join(code for code, _ in value) or "none" if isinstance(value, list) else "",
)
def test_what_header_and_bytes_contradict_each_other_in_is_named(ds: Dataset, expected: list[tuple[str, int | None]]) -> None:
    assert codes(inspect(ds)) == expected


def test_a_frame_that_cannot_be_shown_has_its_reason_and_the_others_their_picture() -> None:
    found = inspect(compressed(JPEG_LS, JPEG_LS[:60], JPEG_LS))
    assert [(frame.reason, bool(frame.png)) for frame in found.frames] == [
        (None, True),
        ("undecodable_pixel_data", False),
        (None, True),
    ]


def test_missing_frames_are_counted() -> None:
    found = inspect(ramp(NumberOfFrames=3, PixelData=2 * RAMP.tobytes()))
    assert (found.claimed, found.found, len(found.frames)) == (3, 2, 2)


def test_an_object_that_cannot_be_shown_is_refused_as_by_the_pipeline() -> None:
    with pytest.raises(BadInput) as refused:
        inspect(dataset(None))
    assert refused.value.reason == "no_pixel_data"
    with pytest.raises(BadInput):
        inspect_pixels(reread(ramp()), max_pixels=RAMP.size - 1)


def test_nothing_of_the_patient_is_in_it() -> None:
    ds = ramp(
        PatientName="Sacred^Name", PatientID="SACRED", PatientBirthDate="19501231", StudyDescription="SACRED",
        RescaleSlope=1, RescaleIntercept=0, RescaleType="SACRED",
    )  # fmt: skip
    assert steps(inspect(ds).frames[0])["modality"][1]["unit"] == "another"
    shown = repr(asdict(inspect(ds))).upper()
    assert "SACRED" not in shown
    assert "19501231" not in shown
