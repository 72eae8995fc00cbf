"""Parses bytes to a pydicom Dataset and reads its identifiers. What elements and pixels mean is decided elsewhere."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import BinaryIO, cast

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_partial
from pydicom.fileutil import read_undefined_length_value
from pydicom.tag import BaseTag, SequenceDelimiterTag
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from medsearch_core.dicom.attributes import text
from medsearch_core.dicom.file_format import WatchedFile, file_head, inflated, is_bare_data_set, without_preamble
from medsearch_core.dicom.quiet import FAULTS, quiet
from medsearch_core.errors import BadInput

PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
PIXEL_HEADS = (b"\xe0\x7f\x10\x00OW", b"\xe0\x7f\x10\x00OB", b"\x7f\xe0\x00\x10OW", b"\x7f\xe0\x00\x10OB")
"""How Pixel Data begins in explicit little and big endian."""
UNDEFINED_LENGTH = 0xFFFFFFFF
HEADER_VALUE_BYTES = 16 * 2**20
UID_PATTERN = re.compile(r"[0-9][0-9.]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The identifiers of an object. `patient_id` may be empty (Type 2, PS3.3 C.7.1.1); the two UIDs never are."""

    patient_id: str
    study_instance_uid: str
    series_instance_uid: str | None
    sop_instance_uid: str
    study_id: str | None
    accession_number: str | None


def identity(ds: Dataset, *, study_uid: str = "", instance_uid: str = "") -> Identity:
    """The identifiers of an object.

    Args:
        study_uid: in place of a StudyInstanceUID that is none.
        instance_uid: in place of a SOPInstanceUID that is none.

    Raises:
        BadInput: `media_directory`, if it is a DICOMDIR; `missing_identity`, if StudyInstanceUID or SOPInstanceUID is not a
            digit and up to 63 digits and dots (PS3.5 9.1).
    """
    if is_media_directory(ds):
        raise BadInput("media_directory", "a DICOMDIR, which lists the files of a medium")
    uids = {keyword: text(ds, keyword) or "" for keyword in ("StudyInstanceUID", "SOPInstanceUID")}
    for (keyword, uid), other in zip(uids.items(), (study_uid, instance_uid), strict=True):
        if not UID_PATTERN.fullmatch(uid):
            uids[keyword] = other
        if not uids[keyword]:
            raise BadInput("missing_identity", f"{keyword} is {'not a UID' if uid else 'absent'}")
    return Identity(
        patient_id=text(ds, "PatientID") or "",
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=text(ds, "SeriesInstanceUID"),
        sop_instance_uid=uids["SOPInstanceUID"],
        study_id=text(ds, "StudyID"),
        accession_number=text(ds, "AccessionNumber"),
    )


def is_media_directory(ds: Dataset) -> bool:
    """Whether an object is a DICOMDIR (PS3.10 section 8.6)."""
    stored_as = text(getattr(ds, "file_meta", Dataset()), "MediaStorageSOPClassUID")
    return stored_as == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in ds


def read_dataset(source: bytes | BinaryIO, *, stop_before_pixels: bool = False) -> Dataset:
    """Parses a DICOM file (PS3.10) or a bare little or big endian data set.

    Elements after the pixel data are not read. Truncated pixel data is kept; `check_pixels` reports it. A bare data set gets
    the TransferSyntaxUID that it was read with.

    Args:
        source: the bytes, or a seekable file, read from its start to the pixel data and no further.
        stop_before_pixels: leave the pixel data, and any value over 16 MiB and all that follows it, unread.

    Raises:
        BadInput: `empty_object`, `not_dicom`, `truncated_header`, `malformed_header`; or `unsupported_pixel_format`, if a
            deflated object inflates beyond the limit.
        MedsearchError: whatever the file raises when it is read, unchanged.
    """
    quiet()
    file = without_preamble(WatchedFile(cast(BinaryIO, io.BytesIO(source)) if isinstance(source, bytes) else source))
    if not file.size:
        raise BadInput("empty_object", "the object has no bytes")
    head = file_head(file)
    if head is None and not is_bare_data_set(file):
        raise BadInput("not_dicom", "neither a DICOM file nor a data set without its preamble")
    deflated = head is not None and head.is_deflated
    body = WatchedFile(cast(BinaryIO, io.BytesIO(inflated(file, head.end)))) if head and deflated else file
    is_file = head is not None and (head.has_preamble or deflated)
    ds, has_pixels, fault = _read(body, is_file, stop_before_pixels)
    if body.has_unknown_vr and not has_pixels:
        mended, has_pixels, other_fault = _read(body.reopened(mends_vrs=True), is_file, stop_before_pixels)
        if has_pixels or (fault is not None and other_fault is None):
            ds, fault = mended, other_fault
    if fault is not None:
        raise _true_fault(body, fault)
    if head and deflated:
        ds.file_meta = _meta(file.slice(0, head.end))
    _complete_meta(ds)
    return ds


def _read(file: WatchedFile, has_head: bool, is_header_only: bool) -> tuple[Dataset, bool, BadInput | None]:
    """The data set, whether its pixel data was reached, and what is wrong with it."""
    ds, pixels, fault = _parse(file, is_header_only)
    if fault is None and not len(ds) and pixels is None:
        reason = "truncated_header" if file.is_at_end else "malformed_header"
        fault = BadInput(reason, "the data set has no readable element")
    elif fault is None and pixels is None and (file.is_ragged or _has_cut_element(ds)):
        fault = BadInput("truncated_header", "the object ends within an element before its pixel data")
    elif fault is None and not has_head and list(ds.keys()) != sorted(ds.keys()):
        fault = BadInput("malformed_header", "a data set without preamble whose elements are out of order")
    if fault is None and pixels is not None and not is_header_only:
        ds[pixels.tag] = pixels.read(file, ds)
    return ds, pixels is not None and fault is None, fault


def _meta(data: bytes) -> FileMetaDataset:
    """The file meta information of a file whose data set is elsewhere."""
    ds, _, fault = _parse(WatchedFile(cast(BinaryIO, io.BytesIO(data))), True)
    if fault is not None:
        raise fault
    return ds.file_meta


def _true_fault(file: WatchedFile, fault: BadInput) -> BadInput:
    """A header is not truncated if the pixel data that comes after it is there: then it was misread."""
    if fault.reason == "truncated_header" and file.holds(*PIXEL_HEADS):
        return BadInput("malformed_header", "the data set cannot be parsed up to its pixel data")
    return fault


@dataclass
class _PixelElement:
    """Where the pixel data element starts, and what its tag, VR and length fields say."""

    tag: BaseTag
    vr: str | None
    length: int
    position: int

    def read(self, file: WatchedFile, ds: Dataset) -> RawDataElement:
        is_implicit, is_little = ds.original_encoding
        file.seek(self.position)
        if self.length == UNDEFINED_LENGTH:
            try:
                value = read_undefined_length_value(cast(BinaryIO, file), bool(is_little), SequenceDelimiterTag)
            except EOFError:
                value = file.slice(self.position, file.size)
        else:
            value = file.read(self.length)
        file.raise_failure()
        return RawDataElement(self.tag, self.vr, self.length, value, self.position, bool(is_implicit), bool(is_little), True)


def _parse(file: WatchedFile, is_header_only: bool) -> tuple[Dataset, _PixelElement | None, BadInput | None]:
    pixels: list[_PixelElement] = []

    def reached(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag in PIXEL_TAGS:
            pixels[:] = [_PixelElement(tag, vr, length, file.tell())]
            return True
        return is_header_only and HEADER_VALUE_BYTES < length < UNDEFINED_LENGTH

    file.seek(0)
    ds, fault = Dataset(), None
    try:
        ds = read_partial(cast(BinaryIO, file), stop_when=reached, force=True)
    except FAULTS as error:
        reason = "truncated_header" if file.is_at_end else "malformed_header"
        fault = BadInput(reason, f"the data set cannot be parsed ({type(error).__name__})")
    file.raise_failure()
    ds.buffer = None  # pydicom keeps the file, and with it every byte
    return ds, pixels[0] if pixels else None, fault


def _has_cut_element(ds: Dataset) -> bool:
    return any(
        isinstance(element, RawDataElement)
        and element.length != UNDEFINED_LENGTH
        and len(element.value or b"") < element.length
        for element in ds.values()
    )


def _complete_meta(ds: Dataset) -> None:
    meta = getattr(ds, "file_meta", None) or FileMetaDataset()
    if not text(meta, "TransferSyntaxUID"):
        is_implicit, is_little = ds.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        meta.TransferSyntaxUID = UID(ImplicitVRLittleEndian if is_implicit else explicit)
    ds.file_meta = meta
