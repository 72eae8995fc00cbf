"""What systems and programs leave beside people's files is left out by its name, and a DICOMDIR by its content."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from medsearch_core.keys import StudyKey
from medsearch_core.storage.object_store import ObjectInfo
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake import compaction
from medsearch_pipeline.intake.compaction import compact_journal, placement_digest, scan_full_store
from medsearch_pipeline.intake.inventory import current_inventory
from medsearch_pipeline.intake.placement import place_by_key
from medsearch_pipeline.intake.system_files import is_system_file
from medsearch_pipeline.settings.layout import MIMIC_CXR
from tests.support.landing import image_bytes

STUDY = StudyKey("p10000032", "s50414267")
FOLDER = f"files/p10/{STUDY}"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "key",
    [
        ".DS_Store",
        f"{FOLDER}/.DS_Store",
        f"{FOLDER}/._1.2.dcm",
        "__MACOSX/export/1.2.dcm",
        "export/Thumbs.db",
        "export/desktop.INI",
        "export/Icon\r",
        "export/.gitkeep",
        "volume/@eaDir/IM0001/SYNOINDEX_MEDIA_INFO",
        "volume/#recycle/IM0001",
        "$RECYCLE.BIN/S-1-5/IM0001.dcm",
        "System Volume Information/WPSettings.dat",
        ".snapshot/hourly.0/IM0001.dcm",
        f"{FOLDER}/.1.2.dcm.Xa3f9K",
        "export/IM0001.dcm.part",
        "export/IM0001.filepart",
        "export/IM0001.tmp",
        "export/~$report.docx",
        "export/report.txt~",
        "export/.report.txt.swp",
        "export/transfer.lock",
    ],
)
def test_a_file_of_a_system_is_left_out_wherever_it_lies_and_whatever_it_holds(key: str) -> None:
    assert is_system_file(key)
    for size in (0, 100):
        item = place_by_key(ObjectInfo(key, size, "tag"), MIMIC_CXR)
        assert item
        assert (item.kind, item.reason, item.patient, item.study) == ("rejected", "system_file", None, None)


@pytest.mark.parametrize(
    "key",
    ["export/IM0001", "export/v1.2/1.2.840.dcm", "export/thumbs.dbx", "a/partial/IM1", "tmp/IM1", "a~b/IM1", "x/DICOMDIR"],
)
def test_a_delivered_file_is_looked_at(key: str) -> None:
    assert not is_system_file(key)
    assert place_by_key(ObjectInfo(key, 100, "tag"), MIMIC_CXR) is None


def test_a_dicomdir_is_left_out_and_what_older_rules_judged_is_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing, warehouse = open_store(str(tmp_path / "landing")), Warehouse(open_store(str(tmp_path / "warehouse")))
    directory = get_testdata_file("DICOMDIR")
    assert isinstance(directory, str)
    landing.write("export/DICOMDIR", Path(directory).read_bytes())
    landing.write("export/SE1/IM1", image_bytes(STUDY))
    landing.write("export/SE1/IM2", b"no DICOM")

    def reasons() -> dict[str, str | None]:
        scan_full_store(landing, warehouse, MIMIC_CXR, b"", {}, NOON, is_removal_confirmed=False)
        compact_journal(warehouse, placement_digest(MIMIC_CXR, b""), NOON)
        rows = current_inventory(warehouse)
        return dict(zip(rows["key"].to_pylist(), rows["reason"].to_pylist(), strict=True))

    expected = {"export/DICOMDIR": "media_directory", "export/SE1/IM1": None, "export/SE1/IM2": "not_dicom"}
    with monkeypatch.context() as older:
        older.setattr(compaction, "PLACING_VERSION", "1")
        older.setattr("medsearch_core.dicom.dataset.is_media_directory", lambda _: False)
        assert reasons() == expected | {"export/DICOMDIR": "missing_identity"}
    assert reasons() == expected
