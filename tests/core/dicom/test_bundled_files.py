"""Every file that pydicom and pydicom-data ship: the rejected ones are listed with their reasons; all others are shown."""

from __future__ import annotations

from pathlib import Path

import data_store
import numpy as np
import pydicom
import pytest

from medsearch_core.columns import table_of
from medsearch_core.dicom.dataset import identity, read_dataset
from medsearch_core.dicom.image_record import image_records
from medsearch_core.dicom.pixels import check_pixels, frame_count, render_frame
from medsearch_core.errors import BadInput
from medsearch_core.records import ImageRecord

SHIPPED = Path(pydicom.__file__).parent / "data"
INSTALLED = Path(data_store.__file__).parent / "data"
FILES = {
    path.relative_to(root).as_posix(): path
    for root in (SHIPPED / "test_files", SHIPPED / "charset_files", INSTALLED)
    for path in sorted(root.rglob("*"))
    if path.is_file()
}
IMAGES = {name: path for name, path in FILES.items() if not name.startswith("dicomdirtests/TINY_ALPHA/")}

REFUSED_HEADERS = {
    "README.txt": "not_dicom",
    "FileInfo.txt": "not_dicom",
    "crayons.icc": "not_dicom",
    "no_meta.dcm": "not_dicom",
    "rtplan.dump": "not_dicom",
    "rtstruct.dump": "not_dicom",
    "test1.json": "not_dicom",
    "test_PN.json": "not_dicom",
    "zipMR.gz": "not_dicom",
    "dicomdirtests/README.txt": "not_dicom",
    "dicomdirtests/TINY_ALPHA/README": "not_dicom",
    "rtplan_truncated.dcm": "truncated_header",
    "JPEGLSNearLossless_08.dcm": "missing_identity",
    "JPEGLSNearLossless_16.dcm": "missing_identity",
    "SC_rgb_jls_lossy_line.dcm": "missing_identity",
    "SC_rgb_jls_lossy_sample.dcm": "missing_identity",
    "UN_sequence.dcm": "missing_identity",
    "bad_sequence.dcm": "missing_identity",
    "chrSQEncoding.dcm": "missing_identity",
    "chrSQEncoding1.dcm": "missing_identity",
    "empty_charset_LEI.dcm": "missing_identity",
    "meta_missing_tsyntax.dcm": "missing_identity",
    "nested_priv_SQ.dcm": "missing_identity",
    "no_meta_group_length.dcm": "missing_identity",
    "priv_SQ.dcm": "missing_identity",
    "dicomdirtests/DICOMDIR": "media_directory",
    "dicomdirtests/DICOMDIR-bigEnd": "media_directory",
    "dicomdirtests/DICOMDIR-empty.dcm": "media_directory",
    "dicomdirtests/DICOMDIR-implicit": "media_directory",
    "dicomdirtests/DICOMDIR-nooffset": "media_directory",
    "dicomdirtests/DICOMDIR-nopatient": "media_directory",
    "dicomdirtests/DICOMDIR-reordered": "media_directory",
    "dicomdirtests/TINY_ALPHA/DICOMDIR": "media_directory",
}
REFUSED_PIXELS = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "undecodable_pixel_data",
    "MR_truncated.dcm": "truncated_pixel_data",
    "meta_missing_tsyntax.dcm": "unsupported_pixel_format",
    "nested_priv_SQ.dcm": "unsupported_pixel_format",
    "ExplVR_BigEndNoMeta.dcm": "no_pixel_data",
    "ExplVR_LitEndNoMeta.dcm": "no_pixel_data",
    "UN_sequence.dcm": "no_pixel_data",
    "chrJapMulti.dcm": "no_pixel_data",
    "chrJapMultiExplicitIR6.dcm": "no_pixel_data",
    "chrKoreanMulti.dcm": "no_pixel_data",
    "chrSQEncoding.dcm": "no_pixel_data",
    "chrSQEncoding1.dcm": "no_pixel_data",
    "dicomdirtests/DICOMDIR": "no_pixel_data",
    "dicomdirtests/DICOMDIR-bigEnd": "no_pixel_data",
    "dicomdirtests/DICOMDIR-empty.dcm": "no_pixel_data",
    "dicomdirtests/DICOMDIR-implicit": "no_pixel_data",
    "dicomdirtests/DICOMDIR-nooffset": "no_pixel_data",
    "dicomdirtests/DICOMDIR-nopatient": "no_pixel_data",
    "dicomdirtests/DICOMDIR-reordered": "no_pixel_data",
    "empty_charset_LEI.dcm": "no_pixel_data",
    "no_meta_group_length.dcm": "no_pixel_data",
    "priv_SQ.dcm": "no_pixel_data",
    "reportsi.dcm": "no_pixel_data",
    "reportsi_with_empty_number_tags.dcm": "no_pixel_data",
    "rtplan.dcm": "no_pixel_data",
    "rtstruct.dcm": "no_pixel_data",
    "test-SR.dcm": "no_pixel_data",
    "waveform_ecg.dcm": "no_pixel_data",
}
"""The files whose header is parsed, with or without identifiers."""
UNPARSED = {name for name, reason in REFUSED_HEADERS.items() if reason not in ("missing_identity", "media_directory")}
COLOR_BARS = [
    name
    for name in FILES
    if name.startswith("SC_") and not name.endswith("2frame.dcm") and "no_color" not in name and "small_odd" not in name
]
PHOTOGRAPHS = {"SC_rgb_jpeg.dcm", "SC_rgb_jpeg_dcmd.dcm", "SC_rgb_jpeg_app14_dcmd.dcm"}


def header_refusal(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            identity(read_dataset(file, stop_before_pixels=True))
    except BadInput as fault:
        return fault.reason
    return None


def pixel_refusal(path: Path) -> str | None:
    try:
        ds = read_dataset(path.read_bytes())
        check_pixels(ds)
        pictures = [render_frame(ds, frame, 64) for frame in {1, frame_count(ds) // 2 + 1, frame_count(ds)}]
    except BadInput as fault:
        return fault.reason
    assert all(picture.dtype == np.uint8 and max(picture.shape[:2]) <= 64 for picture in pictures)
    return None


def test_the_headers_that_are_refused_are_these() -> None:
    refused = {name: reason for name, path in FILES.items() if (reason := header_refusal(path))}
    assert refused == REFUSED_HEADERS


def test_the_pixels_that_are_refused_are_these() -> None:
    refused = {name: reason for name in sorted(set(IMAGES) - UNPARSED) if (reason := pixel_refusal(IMAGES[name]))}
    assert refused == REFUSED_PIXELS


@pytest.mark.parametrize("name", sorted(set(COLOR_BARS) - PHOTOGRAPHS))
def test_the_same_color_bars_look_the_same_in_every_encoding(name: str) -> None:
    expected = render_frame(read_dataset(IMAGES["SC_rgb.dcm"].read_bytes()), 1).astype(int)
    found = render_frame(read_dataset(IMAGES[name].read_bytes()), 1).astype(int)
    assert np.abs(found - expected)[5::10, 5:95].max() <= 6


@pytest.mark.parametrize("name", sorted(set(IMAGES) - set(REFUSED_HEADERS) - set(REFUSED_PIXELS)))
def test_an_image_that_is_not_refused_has_a_row(name: str) -> None:
    ds = read_dataset(IMAGES[name].read_bytes(), stop_before_pixels=True)
    rows = image_records(ds, patient="p1", study="s1", key=name, sha256="", bytes=1, frames=range(1, frame_count(ds) + 1))
    assert table_of(ImageRecord, rows).num_rows == frame_count(ds)
    assert sum(row.is_representative for row in rows) == 1


@pytest.mark.parametrize(
    "name",
    ["SC_rgb_jpeg_gdcm.dcm", "SC_rgb_jls_lossy_line.dcm", "SC_rgb_gdcm_KY.dcm", "SC_rgb_rle.dcm", "SC_rgb_jpeg_dcmtk.dcm"],
)
def test_a_planar_configuration_left_over_from_before_compression_changes_nothing(name: str) -> None:
    ds = read_dataset(IMAGES[name].read_bytes())
    expected = render_frame(ds, 1)
    ds.PlanarConfiguration = 1
    assert np.array_equal(render_frame(ds, 1), expected)
