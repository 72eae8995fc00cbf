"""The folder the demo writes: the same every time, readable, in MIMIC-CXR's layout, with trouble where it is expected."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import UID

from medsearch_core.keys import StudyKey
from medsearch_core.records import REASONS
from medsearch_pipeline.demo.bad_files import FOLDER as BAD_FOLDER
from medsearch_pipeline.demo.landing import add_pydicom_data, write_landing


@pytest.fixture(scope="module")
def landing(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landing")
    return folder, write_landing(folder, patients=3)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def images(landing):
    folder, summary = landing
    for key, study in summary.truth.items():
        patient, name = key.split("/")
        for sop in study.images:
            yield key, sop, dcmread(folder / "files" / patient[:3] / patient / name / f"{sop}.dcm")


def test_two_runs_write_the_same_bytes(landing, tmp_path):
    folder, summary = landing
    assert write_landing(tmp_path, patients=3) == summary
    assert files(tmp_path) == files(folder)


def test_only_images_reports_and_bad_files_are_written(landing):
    folder, summary = landing
    expected = {f"{BAD_FOLDER}/a_good_image.dcm", *summary.bad_files}
    for key, study in summary.truth.items():
        place = f"files/{key[:3]}/{key}"
        expected |= {f"{place}/{sop}.dcm" for sop in study.images}
        expected |= {f"{place}.txt"} if study.mentions is not None else set()
    assert set(files(folder)) == expected


def test_every_image_decodes_and_names_its_folder(landing):
    for key, sop, ds in images(landing):
        assert (f"p{ds.PatientID}/s{ds.StudyID}", ds.SOPInstanceUID) == (key, sop)
        assert ds.file_meta.MediaStorageSOPInstanceUID == sop
        assert str(ds.PatientName) == ""
        assert ds.BurnedInAnnotation == "NO"
        pixels = ds.pixel_array
        assert pixels.shape[-2:] == (ds.Rows, ds.Columns)
        assert pixels.max() < 4096
        assert pixels.std() > 300


def test_studies_are_told_apart_by_their_uids(landing):
    of_study: dict[str, StudyKey] = {}
    for key, _, ds in images(landing):
        assert UID(ds.StudyInstanceUID).is_valid
        assert of_study.setdefault(ds.StudyInstanceUID, key) == key
    assert len(of_study) == sum(bool(study.images) for study in landing[1].truth.values())


def test_an_inverted_image_is_bright_where_nothing_absorbs(landing):
    inverted = [ds for _, _, ds in images(landing) if ds.PhotometricInterpretation == "MONOCHROME1"]
    assert inverted
    for ds in inverted:
        pixels = ds.pixel_array
        abdomen = pixels[-ds.Rows // 6 : -ds.Rows // 12, ds.Columns * 2 // 5 : ds.Columns * 3 // 5]
        assert abdomen.mean() < 1700 < 3000 < np.percentile(pixels, 99.5)


def test_a_window_is_given_in_rescaled_values(landing):
    windowed = [ds for _, _, ds in images(landing) if "WindowCenter" in ds]
    assert windowed
    for ds in windowed:
        values = ds.pixel_array * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
        low, high = np.percentile(values, (1, 99))
        assert low < ds.WindowCenter < high
        assert 0.8 < ds.WindowWidth / (high - low) < 1.3


def test_bad_files_are_listed_with_a_reason_of_the_data_contract(landing):
    folder, summary = landing
    assert set(summary.bad_files.values()) <= set(REASONS)
    assert len(summary.bad_files) == 12
    assert all((folder / key).is_file() for key in summary.bad_files)


def test_the_summary_counts_what_is_good(landing):
    folder, summary = landing
    good = [path for path in folder.glob("files/p1*/p*/s*/*.dcm") if path.parent.name != "s59999999"]
    assert (summary.patients, summary.images) == (3, len(good))
    assert summary.reports == len([p for p in folder.glob("files/p1*/p*/*.txt") if p.stem != "s59999999"])
    assert [key for key, study in summary.truth.items() if not study.images] != []


def test_real_images_of_installed_packages_are_copied_whole(tmp_path):
    count = add_pydicom_data(tmp_path)
    copied = [dcmread(path) for path in tmp_path.glob("other/*/*.dcm")]
    assert count == len(copied) >= 10
    assert len({ds.SOPInstanceUID for ds in copied}) == count
    assert {"CR", "CT", "MR", "US"} <= {ds.Modality for ds in copied}
    assert any(ds.get("BodyPartExamined") == "CHEST" for ds in copied)
