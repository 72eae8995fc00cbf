from __future__ import annotations

import io
import logging
import threading
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from medsearch_core.dicom.dataset import Identity, identity, read_dataset
from medsearch_core.dicom.file_format import INFLATED_BYTES
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.pixels import check_pixels, decode_frame
from medsearch_core.errors import BadInput, StorageError
from tests.support.factories import dataset, dicom_bytes

NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian]


class CountingFile(io.BytesIO):
    """A file that counts the bytes read."""

    asked = 0
    furthest = 0

    def read(self, count: int | None = -1) -> bytes:
        data = super().read(count)
        self.asked += len(data)
        self.furthest = max(self.furthest, self.tell())
        return data


class FailingFile(io.BytesIO):
    """A file whose store fails beyond an offset."""

    def __init__(self, data: bytes, limit: int) -> None:
        super().__init__(data)
        self.limit = limit

    def read(self, count: int | None = -1) -> bytes:
        if self.tell() >= self.limit:
            raise StorageError("cannot read the object")
        return super().read(count)


def refusal(data: bytes, **options: bool) -> str:
    with pytest.raises(BadInput) as caught:
        read_dataset(data, **options)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value.reason


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda uid: uid.name)
def test_every_native_transfer_syntax_is_read(syntax: str) -> None:
    ds = read_dataset(dicom_bytes(dataset(transfer_syntax=syntax)))
    assert ds.file_meta.TransferSyntaxUID == syntax
    assert decode_frame(ds, 1).tolist() == np.arange(48).reshape(6, 8).tolist()


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda uid: uid.name
)
def test_a_bare_data_set_is_read_and_its_transfer_syntax_inferred(syntax: str) -> None:
    ds = read_dataset(dicom_bytes(dataset(transfer_syntax=syntax), has_preamble=False))
    assert ds.file_meta.TransferSyntaxUID == syntax
    assert decode_frame(ds, 1).tolist() == np.arange(48).reshape(6, 8).tolist()


def test_a_file_without_preamble_that_starts_with_its_meta_information_is_read() -> None:
    assert identity(read_dataset(dicom_bytes(dataset())[132:])).patient_id == "10000032"


def test_an_object_without_bytes_is_empty() -> None:
    assert refusal(b"") == "empty_object"


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>",
        b"FINAL REPORT\n EXAMINATION: CHEST (PA AND LAT)\n" * 10,
        b"\0",
        b"\0" * 4096,
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x01" * 500,
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 500,
        b"\x1f\x8b\x08\x08" + bytes(range(256)),
        b"\x08\x00\x05\x00",
        b"\x08\x00\xff\xff\x04\x00\x00\x00abcd",
        b"\x08\x00\x05\x00\xff\xff\xff\x7fISO_IR 100",
        b"\x08\x00\x05\x00UI\x04\x00abcd",
    ],
    ids=["pdf", "text", "one zero", "zeros", "jpeg", "png", "gzip", "a tag alone", "unknown tag", "too long", "other VR"],
)
def test_what_is_no_data_set_is_not_dicom(data: bytes) -> None:
    assert refusal(data) == "not_dicom"


def test_a_bare_data_set_whose_elements_are_out_of_order_is_malformed() -> None:
    data = dicom_bytes(dataset(None), has_preamble=False)
    assert refusal(data + b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100") == "malformed_header"


def test_a_header_cut_within_an_element_is_truncated() -> None:
    data = dicom_bytes(dataset())
    study = data.index(b"1.2.826.0.1.1\0")
    assert refusal(data[: study + 3]) == "truncated_header"
    assert refusal(data[: study - 3]) == "truncated_header"
    assert refusal(data[: study + 3], stop_before_pixels=True) == "truncated_header"


def test_a_preamble_with_nothing_after_it_is_truncated() -> None:
    assert refusal(b"\0" * 128 + b"DICM") == "truncated_header"


def test_garbage_after_the_meta_information_is_malformed() -> None:
    data = dicom_bytes(dataset())
    start = data.index(b"\x08\x00\x16\x00UI")
    garbage = b"\x08\x00\x05\x00SQ\0\0\xff\xff\xff\xff" + b"\x12\x34" * 40
    assert refusal(data[:start] + garbage + b"\0" * 64) in ("malformed_header", "truncated_header")


@pytest.mark.parametrize("start", [128, 132], ids=["with its prefix", "without prefix"])
def test_a_deflated_file_without_preamble_is_read(start: int) -> None:
    whole = dicom_bytes(dataset(transfer_syntax=DeflatedExplicitVRLittleEndian))
    ds = read_dataset(whole[start:])
    assert ds.PixelData == read_dataset(whole).PixelData
    assert ds.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    with pytest.raises(BadInput) as refused:
        read_dataset(whole[start : start + 250] + b"no deflate stream")
    assert refused.value.reason in ("malformed_header", "truncated_header")


def test_a_deflated_data_set_that_is_no_deflate_stream_is_malformed() -> None:
    whole = dicom_bytes(dataset(transfer_syntax=DeflatedExplicitVRLittleEndian))
    start = 144 + int.from_bytes(whole[140:144], "little")
    assert refusal(whole[:start] + b"\xff" * 64) == "malformed_header"


def test_a_deflated_bomb_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert INFLATED_BYTES == 2**30
    monkeypatch.setattr("medsearch_core.dicom.file_format.INFLATED_BYTES", 1000)
    whole = dicom_bytes(dataset(transfer_syntax=DeflatedExplicitVRLittleEndian))
    start = 144 + int.from_bytes(whole[140:144], "little")
    deflater = zlib.compressobj(wbits=-15)
    assert refusal(whole[:start] + deflater.compress(b"\0" * 10**6) + deflater.flush()) == "unsupported_pixel_format"


def test_cut_pixel_data_is_the_pixels_fault_and_the_header_stays_readable() -> None:
    ds = read_dataset(dicom_bytes(dataset())[:-10])
    assert identity(ds).study_id == "50414267"
    with pytest.raises(BadInput) as caught:
        check_pixels(ds)
    assert caught.value.reason == "truncated_pixel_data"


def test_reading_a_header_neither_reads_nor_keeps_the_pixels() -> None:
    data = dicom_bytes(dataset(np.zeros((1000, 1000), np.uint16)))
    file = CountingFile(data)
    ds = read_dataset(file, stop_before_pixels=True)
    assert "PixelData" not in ds
    assert ds.Rows == 1000
    assert file.furthest < 1500
    assert file.asked < 3000


def test_reading_a_header_stops_at_a_value_of_an_encapsulated_document() -> None:
    data = dicom_bytes(dataset(None, EncapsulatedDocument=b"\0" * (2**24 + 2)))
    file = CountingFile(data)
    assert identity(read_dataset(file, stop_before_pixels=True)).accession_number == "A7"
    assert file.furthest < 1500


@pytest.mark.parametrize("start", [b"\0", b"\x08\x00\x16\x00UI", b"1.2.826.0.1.1\0", b"\xe0\x7f\x10\x00OW"])
def test_a_failed_read_is_not_a_bad_file(start: bytes) -> None:
    data = dicom_bytes(dataset())
    with pytest.raises(StorageError):
        read_dataset(FailingFile(data, data.index(start)))


def test_a_failed_read_within_a_sequence_is_not_a_bad_file() -> None:
    ds = dataset(ReferencedImageSequence=[dataset(None)])
    ds["ReferencedImageSequence"].is_undefined_length = True
    data = dicom_bytes(ds)
    inside = data.index(b"\xfe\xff\x00\xe0")
    with pytest.raises(StorageError):
        read_dataset(FailingFile(data, inside))


def test_the_identity_is_read() -> None:
    assert identity(dataset()) == Identity(
        patient_id="10000032",
        study_instance_uid="1.2.826.0.1.1",
        series_instance_uid="1.2.826.0.1.1.1",
        sop_instance_uid="1.2.826.0.1.1.1.1",
        study_id="50414267",
        accession_number="A7",
    )


def test_a_patient_may_be_unknown_and_other_ids_absent() -> None:
    who = identity(dataset(PatientID="", StudyID=None, AccessionNumber="", SeriesInstanceUID=None))
    assert (who.patient_id, who.study_id, who.accession_number, who.series_instance_uid) == ("", None, None, None)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("uid", [None, "", "not a uid", "1.2.x", "1" * 65])
def test_an_object_without_a_study_or_instance_uid_has_no_identity(keyword: str, uid: str | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given: dict[str, Any] = {keyword: uid}
        ds = dataset(**given)
    with pytest.raises(BadInput) as caught:
        identity(ds)
    assert caught.value.reason == "missing_identity"
    assert not uid or uid not in caught.value.detail


def test_no_header_value_reaches_a_log_a_warning_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    data = dicom_bytes(dataset(PatientName="0123456789", StudyDate="20200101", SeriesNumber="50414267"))
    data = data.replace(b"20200101", b"SMITH^JO").replace(b"0123456789", b"SMITH^JOHN").replace(b"50414267", b"SMITH^JN")
    data = data.replace(b"\x10\x00\x10\x00PN", b"\x10\x00\x10\x00DA")
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        ds = read_dataset(data)
        row = image_records(ds, patient="p1", study="s1", key="k", sha256="", bytes=1, frames=[1])[0]
    assert (row.study_date, row.series_number) == (None, None)
    assert not [w for w in warned if "SMITH" in str(w.message)]
    assert "SMITH" not in caplog.text


def test_threads_may_read_at_once() -> None:
    data, found = dicom_bytes(dataset()), []
    threads = [threading.Thread(target=lambda: found.append(identity(read_dataset(data)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [identity(dataset())] * 8


@pytest.mark.parametrize("uid", ["..", ".1", "1/2", "1.2.840.x", "1" * 65])
def test_an_object_whose_uid_is_none_has_no_identity(uid: str) -> None:
    ds = read_dataset(dicom_bytes(dataset()))
    ds.SOPInstanceUID = uid
    with pytest.raises(BadInput, match="SOPInstanceUID"):
        identity(ds)
