"""Looking at the whole store over real objects: by key, by header, over ranged reads, and the same on S3."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from pydantic import SecretStr

from medsearch_core.columns import records_of
from medsearch_core.errors import StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedObject
from medsearch_core.storage.object_store import ObjectStore, S3Options
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse
from medsearch_pipeline.intake.compaction import compact_journal, placement_digest, scan_full_store
from medsearch_pipeline.intake.inventory import current_inventory
from medsearch_pipeline.intake.pseudonyms import pseudonym_secret
from medsearch_pipeline.settings.layout import MIMIC_CXR
from tests.support.landing import REPORT, image_bytes, land_study

STUDY = StudyKey("p10000032", "s50414267")
SECRET = b"secret"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["folder", "s3"])
def landing(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_store(str(tmp_path / "landing"))
    bucket = request.getfixturevalue("s3_bucket")
    return open_store(f"s3://{bucket}/landing", S3Options(request.getfixturevalue("s3_endpoint"), "us-east-1"))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(open_store(str(tmp_path / "warehouse")))


def take_inventory(landing: ObjectStore, warehouse: Warehouse) -> list[LandedObject]:
    """Looks at everything and compacts, as the `inventory` asset does."""
    scan_full_store(landing, warehouse, MIMIC_CXR, SECRET, {}, NOON, is_removal_confirmed=False)
    compact_journal(warehouse, placement_digest(MIMIC_CXR, SECRET), NOON)
    return records_of(LandedObject, current_inventory(warehouse))


def test_a_mimic_study_is_placed_without_opening_one_object(
    landing: ObjectStore, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_study(landing, STUDY, images=2)
    original = type(landing).open
    monkeypatch.setattr(
        type(landing), "open", lambda self, key: original(self, key) if self.url != landing.url else pytest.fail("opened")
    )
    objects = take_inventory(landing, warehouse)
    assert [(o.kind, o.patient, o.study) for o in objects] == [
        ("report", "p10000032", "s50414267"),
        ("dicom", "p10000032", "s50414267"),
        ("dicom", "p10000032", "s50414267"),
    ]


def test_a_plain_tree_is_grouped_by_header_with_its_report(landing: ObjectStore, warehouse: Warehouse) -> None:
    for number in (1, 2):
        landing.write(f"export/ward 3/IM{number:04d}", image_bytes(STUDY, number))
    landing.write("export/ward 3/50414267.txt", REPORT.encode())
    landing.write("export/readme.html", b"<html>")
    objects = {o.key: o for o in take_inventory(landing, warehouse)}
    assert [o.kind for o in objects.values()].count("dicom") == 2
    assert objects["export/ward 3/50414267.txt"].kind == "report"
    assert len({(o.patient, o.study) for o in objects.values() if o.kind != "rejected"}) == 1
    assert objects["export/readme.html"].reason == "unrecognised_object"
    one = objects["export/ward 3/IM0001"]
    assert one.patient_id == "10000032"
    assert one.patient
    assert one.patient.startswith("h")
    assert "10000032" not in one.patient


def test_a_report_above_its_series_joins_the_study_of_their_headers(landing: ObjectStore, warehouse: Warehouse) -> None:
    other = StudyKey("p10000033", "s50414268")
    landing.write("export/ACC1/report.txt", REPORT.encode())
    landing.write("export/ACC2/report.txt", REPORT.encode())
    take_inventory(landing, warehouse)
    for number in (1, 2):
        landing.write(f"export/ACC1/SE{number}/IM0001", image_bytes(STUDY, number))
    landing.write("export/ACC2/SE1/IM0001", image_bytes(other))
    objects = {o.key: o for o in take_inventory(landing, warehouse)}
    for folder, study in (("ACC1", STUDY), ("ACC2", other)):
        report, image = objects[f"export/{folder}/report.txt"], objects[f"export/{folder}/SE1/IM0001"]
        assert (report.kind, report.study, image.study_instance_uid) == ("report", image.study, f"2.25.{int(study.study[1:])}")
    landing.write("export/ACC2/SE2/IM0001", image_bytes(STUDY, 3))
    (report,) = (o for o in take_inventory(landing, warehouse) if o.key == "export/ACC2/report.txt")
    assert (report.reason, report.study) == ("report_without_study", None)


def test_headers_already_read_are_not_read_again(
    landing: ObjectStore, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.write("export/IM1", image_bytes(STUDY))
    landing.write("export/notes.pdf", b"%PDF-1.7")
    first = take_inventory(landing, warehouse)
    opened: list[str] = []
    original = type(landing).open

    def noted(store: ObjectStore, key: str) -> BinaryIO:
        if store.url == landing.url:
            opened.append(key)
        return original(store, key)

    monkeypatch.setattr(type(landing), "open", noted)
    landing.write("export/IM2", image_bytes(STUDY, 2))
    again = take_inventory(landing, warehouse)
    assert opened == ["export/IM2"]
    assert [o for o in again if o.key != "export/IM2"] == first
    assert len(again) == 3


def test_a_listing_that_fails_is_a_failure_and_not_an_empty_inventory(
    warehouse: Warehouse, s3_bucket: str, s3_endpoint: str
) -> None:
    with pytest.raises(StorageError, match="cannot list"):
        take_inventory(open_store("s3://no-such-bucket", S3Options(s3_endpoint, "us-east-1")), warehouse)


def test_a_link_is_excluded_until_links_are_followed_and_then_only_within_the_folder(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    folder = str(tmp_path / "landing")
    landing = open_store(folder)
    land_study(landing, STUDY, images=1)
    (tmp_path / "passwords.txt").write_text("root")
    study = tmp_path / "landing" / "files" / "p10" / STUDY.patient / STUDY.study
    (study / "linked.dcm").symlink_to(next(study.glob("*.dcm")))
    (study / "stolen.txt").symlink_to(tmp_path / "passwords.txt")
    (tmp_path / "landing" / "more").symlink_to(tmp_path)

    def links(landing: ObjectStore) -> dict[str, tuple[str, str | None]]:
        of_links = [o for o in take_inventory(landing, warehouse) if o.key.endswith(("linked.dcm", "stolen.txt", "more"))]
        return {Path(o.key).name: (o.kind, o.reason) for o in of_links}

    excluded = ("rejected", "link")
    assert links(landing) == {"linked.dcm": excluded, "stolen.txt": excluded, "more": excluded}
    followed = open_store(folder, follows_links=True)
    assert links(followed) == {"linked.dcm": ("dicom", None), "stolen.txt": excluded, "more": excluded}


def test_the_secret_behind_pseudonyms_is_made_once_unless_configured(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    made = pseudonym_secret(store, None)
    assert len(made) == 32
    assert pseudonym_secret(store, None) == made
    assert pseudonym_secret(store, SecretStr("ours")) == b"ours"
