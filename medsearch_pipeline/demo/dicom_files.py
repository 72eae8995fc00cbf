"""DICOM objects of the demo's radiographs: headers as a CR or DX unit writes them, de-identified as MIMIC-CXR is.

Belongs here: attributes, encodings and bytes. Every byte is determined by the arguments: no clock, no generated UID.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from medsearch_pipeline.demo.cases import Physique
from medsearch_pipeline.demo.plan import ImagePlan, StudyPlan, uid
from medsearch_pipeline.demo.radiographs import LARGEST

CR, DX = UID("1.2.840.10008.5.1.4.1.1.1"), UID("1.2.840.10008.5.1.4.1.1.1.1")
MULTI_FRAME_WORD_SECONDARY_CAPTURE = UID("1.2.840.10008.5.1.4.1.1.7.3")
IMPLEMENTATION = UID("2.25.302043790172249692526321623266752743501")
SYNTAX = {"rle": RLELossless, "jpeg2000": JPEG2000Lossless}
SLOPE, INTERCEPT = 2, -1000


def encode(study: StudyPlan, image: ImagePlan, body: Physique, frames: list[npt.NDArray[np.uint16]], spacing: float) -> bytes:
    """A DICOM file (PS3.10) of frames of equal size, values 0..4095, bright where dense."""
    ds = _identity(study, image, body)
    ds.ImagerPixelSpacing = [f"{spacing:.4f}", f"{spacing:.4f}"]
    pixels = np.stack(frames)
    _describe_values(ds, image, pixels)
    stored = LARGEST - pixels if image.is_inverted else pixels
    ds.PixelData = stored.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    if image.encoding in SYNTAX:
        ds.compress(SYNTAX[image.encoding], encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return to_bytes(ds)


def to_bytes(ds: Dataset) -> bytes:
    """A data set as a file."""
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _identity(study: StudyPlan, image: ImagePlan, body: Physique) -> Dataset:
    is_dx = image.number % 2 == 0 and image.view != "AP"
    sop_class = MULTI_FRAME_WORD_SECONDARY_CAPTURE if image.frames > 1 else DX if is_dx else CR
    ds, ds.file_meta = Dataset(), FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = UID(image.sop_instance_uid)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID, ds.file_meta.ImplementationVersionName = IMPLEMENTATION, "MEDSEARCH_DEMO"
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["DERIVED", "PRIMARY"]
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = study.day.strftime("%Y%m%d")
    ds.StudyTime = ds.ContentTime = f"{7 + study.number * 3 % 12:02d}{int(study.study_id) % 60:02d}{image.number * 2:02d}"
    ds.Modality, ds.PresentationIntentType = ("DX" if is_dx else "CR"), "FOR PRESENTATION"
    ds.Manufacturer = "medsearch demo"
    ds.StudyDescription = "CHEST (PORTABLE AP)" if image.view == "AP" else "CHEST (PA AND LAT)"
    ds.PatientName = ds.PatientBirthDate = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.PatientID, ds.PatientSex, ds.PatientAge = study.patient_id, body.sex, f"{body.age:03d}Y"
    ds.PatientIdentityRemoved, ds.DeidentificationMethod = "YES", "Synthetic: drawn by a program, there is no patient"
    ds.BodyPartExamined = "CHEST"
    if image.has_view_position:
        ds.ViewPosition = image.view
    ds.StudyInstanceUID, ds.StudyID = study.study_instance_uid, study.study_id
    ds.SeriesInstanceUID = uid(0, "series", study.study_instance_uid, image.view)
    ds.SeriesNumber, ds.InstanceNumber = image.number + 1, 1
    ds.PatientOrientation = ["P", "F"] if image.view == "LATERAL" else ["L", "F"]
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    return ds


def _describe_values(ds: Dataset, image: ImagePlan, pixels: npt.NDArray[np.uint16]) -> None:
    if image.frames > 1:
        ds.NumberOfFrames = image.frames
    ds.SamplesPerPixel, ds.Rows, ds.Columns = 1, pixels.shape[1], pixels.shape[2]
    ds.PhotometricInterpretation = "MONOCHROME1" if image.is_inverted else "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    slope, intercept = (SLOPE, INTERCEPT) if image.has_rescale else (1, 0)
    if image.has_rescale:
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = intercept, slope, "US"
    if image.has_window:  # in rescaled units (PS3.3 C.11.2.1.2)
        low, high = (round(float(v)) for v in np.percentile(pixels[0, ::4, ::4], (1, 99.6)))
        low, high = (LARGEST - high, LARGEST - low) if image.is_inverted else (low, high)
        ds.WindowCenter, ds.WindowWidth = (low + high) * slope // 2 + intercept, (high - low) * slope
        ds.VOILUTFunction = "LINEAR"
