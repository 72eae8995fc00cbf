"""DICOM data sets built in code: one function for the data set, one for its bytes. No file of any patient is needed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

GRADIENT = np.arange(48, dtype=np.uint16).reshape(6, 8)

IDENTITY = {
    "PatientID": "10000032",
    "StudyInstanceUID": "1.2.826.0.1.1",
    "SeriesInstanceUID": "1.2.826.0.1.1.1",
    "SOPInstanceUID": "1.2.826.0.1.1.1.1",
    "SOPClassUID": str(DigitalXRayImageStorageForPresentation),
    "StudyID": "50414267",
    "AccessionNumber": "A7",
    "Modality": "DX",
}


def dataset(
    pixels: np.ndarray | None = GRADIENT,
    *,
    transfer_syntax: str = str(ExplicitVRLittleEndian),
    codestreams: list[bytes] | None = None,
    **attributes: Any,
) -> Dataset:
    """A data set of known identity that shows these pixels.

    Args:
        pixels: `[rows, columns]` or `[frames, rows, columns]`, with a last axis of 3 for colour; bool for 1-bit pixels,
            float32 and float64 for (Double) Float Pixel Data; None for an object without an image.
        transfer_syntax: its UID; pixels are stored in its byte order.
        codestreams: compressed frames, stored instead of the pixels' own bytes.
        **attributes: keyword → value, after everything else; None removes the attribute.
    """
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.MediaStorageSOPClassUID = UID(IDENTITY["SOPClassUID"])
    meta.MediaStorageSOPInstanceUID = UID(IDENTITY["SOPInstanceUID"])
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    for keyword, value in IDENTITY.items():
        setattr(ds, keyword, value)
    if pixels is not None:
        _add_pixels(ds, pixels, codestreams)
    for keyword, value in attributes.items():
        if value is None:
            ds.pop(keyword, None)
        else:
            setattr(ds, keyword, value)
    return ds


def dicom_bytes(ds: Dataset, *, has_preamble: bool = True) -> bytes:
    """The data set as a DICOM file, or bare."""
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    whole = buffer.getvalue()
    if has_preamble:
        return whole
    group_length = int.from_bytes(whole[140:144], "little")
    return whole[144 + group_length :]


def sequence_item(**attributes: Any) -> Dataset:
    """A sequence item of these attributes."""
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def _add_pixels(ds: Dataset, pixels: np.ndarray, codestreams: list[bytes] | None) -> None:
    is_color = pixels.ndim > 2 and pixels.shape[-1] == 3
    frames = pixels if pixels.ndim == (4 if is_color else 3) else pixels[np.newaxis]
    if len(frames) > 1:
        ds.NumberOfFrames = len(frames)
    ds.Rows, ds.Columns = frames.shape[1:3]
    ds.SamplesPerPixel = 3 if is_color else 1
    ds.PhotometricInterpretation = "RGB" if is_color else "MONOCHROME2"
    if is_color:
        ds.PlanarConfiguration = 0
    bits = 1 if pixels.dtype == bool else 8 * pixels.dtype.itemsize
    ds.BitsAllocated = bits
    if pixels.dtype.kind == "f":
        setattr(ds, "FloatPixelData" if bits == 32 else "DoubleFloatPixelData", pixels.tobytes())
        return
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1, int(pixels.dtype.kind == "i")
    if codestreams is not None:
        ds.PixelData = encapsulate(codestreams)
        ds["PixelData"].is_undefined_length = True
        ds["PixelData"].VR = "OB"
        return
    is_little = ds.file_meta.TransferSyntaxUID.is_little_endian
    stored = np.packbits(pixels, bitorder="little") if bits == 1 else pixels
    data = stored.astype(stored.dtype.newbyteorder("<" if is_little else ">")).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB" if bits <= 8 else "OW"
