"""Files that are not as PS3.10 wants them, and the reasons of those that are not read."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.dicom.pixels import decode_frame
from medsearch_core.errors import BadInput
from tests.support.factories import GRADIENT, dataset, dicom_bytes

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
LARGE = np.arange(400_000, dtype=np.uint16).reshape(800, 500)
"""Larger than the value that a VR of two signs is taken for in implicit encoding."""


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda uid: uid.name
)
@pytest.mark.parametrize("is_header_only", [False, True])
def test_a_prefix_without_its_preamble_is_passed_over(syntax: str, is_header_only: bool) -> None:
    data = dicom_bytes(dataset(transfer_syntax=syntax))[128:]
    ds = read_dataset(data, stop_before_pixels=is_header_only)
    assert identity(ds).study_id == "50414267"
    assert ds.file_meta.TransferSyntaxUID == syntax
    if not is_header_only:
        assert decode_frame(ds, 1).tolist() == GRADIENT.tolist()


@pytest.mark.parametrize("vr", [b"??", b"--", b"  ", b"xx", b"4G"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda uid: uid.name)
@pytest.mark.parametrize("pixels", [GRADIENT, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("is_header_only", [False, True])
def test_an_element_whose_vr_is_none_has_that_of_the_dictionary(
    vr: bytes, syntax: str, pixels: np.ndarray, is_header_only: bool
) -> None:
    data = dicom_bytes(dataset(pixels, transfer_syntax=syntax, SeriesNumber=12))
    modality = b"\x08\x00\x60\x00CS" if syntax == ExplicitVRLittleEndian else b"\x00\x08\x00\x60CS"
    number = b"\x20\x00\x11\x00IS" if syntax == ExplicitVRLittleEndian else b"\x00\x20\x00\x11IS"
    assert modality in data
    assert number in data
    changed = data.replace(modality, modality[:4] + vr).replace(number, number[:4] + vr)
    ds = read_dataset(changed, stop_before_pixels=is_header_only)
    assert (ds.Modality, ds.SeriesNumber, identity(ds).study_id) == ("DX", 12, "50414267")
    if not is_header_only:
        assert np.array_equal(decode_frame(ds, 1), pixels)


def test_an_object_without_an_image_is_read_though_a_vr_is_none() -> None:
    data = dicom_bytes(dataset(None, Modality="SR", SeriesNumber=12))
    ds = read_dataset(data.replace(b"\x08\x00\x60\x00CS", b"\x08\x00\x60\x00??"))
    assert (ds.Modality, identity(ds).accession_number) == ("SR", "A7")


@pytest.mark.parametrize("vr", [b"UQ", b"SI", b"U\xff"])
def test_a_deflated_file_with_damaged_meta_information_is_malformed(vr: bytes) -> None:
    data = dicom_bytes(dataset(transfer_syntax=DeflatedExplicitVRLittleEndian))
    syntax = b"\x02\x00\x10\x00"
    assert syntax + b"UI" in data
    with pytest.raises(BadInput) as caught:
        read_dataset(data.replace(syntax + b"UI", syntax + vr))
    assert caught.value.reason in ("truncated_header", "malformed_header")


def test_a_directory_is_known_by_its_records_too() -> None:
    with pytest.raises(BadInput) as caught:
        identity(dataset(None, StudyInstanceUID=None, DirectoryRecordSequence=[]))
    assert caught.value.reason == "media_directory"


@pytest.mark.parametrize("tag", [b"\x00\x09\x10\x10", b"\x00\x08\x11\x40"], ids=["private", "known"])
def test_a_header_that_was_misread_is_malformed_and_one_that_ends_is_truncated(tag: bytes) -> None:
    """A sequence of undefined length and unknown VR is implicit little endian (PS3.5 6.2.2), which pydicom cannot read here."""
    data = dicom_bytes(dataset(LARGE, transfer_syntax=ExplicitVRBigEndian))
    at = data.index(b"\x00\x10\x00\x20LO")
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x10\x00\x20\x00\x06\0\0\0SMITH \xfe\xff\x0d\xe0\0\0\0\0"
    misread = data[:at] + tag + b"UN\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0" + data[at:]
    for changed, expected in ((misread, "malformed_header"), (misread[: at + 40], "truncated_header")):
        with pytest.raises(BadInput) as caught:
            read_dataset(changed)
        assert caught.value.reason == expected
        assert (caught.value.__context__, caught.value.__cause__) == (None, None)
        assert "SMITH" not in caught.value.detail
