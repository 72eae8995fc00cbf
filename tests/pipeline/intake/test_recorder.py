"""Recording over real stores: what came, was replaced, moved, came late or went, and what is known after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from medsearch_core.columns import records_of
from medsearch_core.errors import ObjectNotFound, StorageError
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange, LandedObject
from medsearch_core.storage.object_store import ObjectStore, S3Options
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.intake import compaction, journal, pending
from medsearch_pipeline.intake.changes import Observation
from medsearch_pipeline.intake.compaction import compact_journal, scan_full_store
from medsearch_pipeline.intake.inventory import PATH, current_inventory, objects_of
from medsearch_pipeline.intake.recorder import ScanResult, record
from medsearch_pipeline.intake.unchanged_content import inputs_by_kind
from medsearch_pipeline.report_readers.reader import RulesReader
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.settings.layout import MIMIC_CXR, Layout
from medsearch_pipeline.studies.dicom_objects import DicomObjectProcessor
from medsearch_pipeline.studies.images import StudyImageBuilder
from medsearch_pipeline.studies.reports import StudyReportBuilder
from medsearch_pipeline.workers.decoding import decoding_workers
from tests.support.landing import REPORT, folder_of, image_bytes, land_study, sop_instance_uid

STUDY, OTHER = StudyKey("p10000032", "s50414267"), StudyKey("p10000033", "s50414268")
SECRET = b"secret"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
INPUTS_OF = inputs_by_kind(Settings())
IMAGE = f"{folder_of(STUDY)}/{sop_instance_uid(STUDY)}.dcm"
TEXT = f"{folder_of(STUDY)}.txt"


@pytest.fixture(params=["folder", "s3"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], ObjectStore]:
    if request.param == "folder":
        return lambda name: open_store(str(tmp_path / name))
    bucket = request.getfixturevalue("s3_bucket")
    s3 = S3Options(request.getfixturevalue("s3_endpoint"), "us-east-1")
    return lambda name: open_store(f"s3://{bucket}/{name}", s3)


@pytest.fixture
def place(stores: Callable[[str], ObjectStore]) -> Place:
    return Place(stores("landing"), Warehouse(stores("warehouse")))


class Place:
    """A landing store and what is known of it."""

    def __init__(self, landing: ObjectStore, warehouse: Warehouse) -> None:
        self.landing, self.warehouse, self.now = landing, warehouse, NOON

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def record(self, *keys: str) -> ScanResult:
        """As an event would: by the keys it names."""
        return record(self.landing, self.warehouse, MIMIC_CXR, SECRET, [self.seen(key) for key in keys], self.tick(), INPUTS_OF)

    def seen(self, key: str) -> Observation:
        try:
            return Observation(key, self.landing.info(key))
        except ObjectNotFound:
            return Observation(key, None)

    def look(self) -> ScanResult:
        return scan_full_store(
            self.landing, self.warehouse, MIMIC_CXR, SECRET, INPUTS_OF, self.tick(), is_removal_confirmed=True
        )

    def compact(self) -> None:
        compact_journal(self.warehouse, compaction.placement_digest(MIMIC_CXR, SECRET), self.tick())

    def known(self) -> dict[str, LandedObject]:
        return {o.key: o for o in records_of(LandedObject, current_inventory(self.warehouse))}

    def make(self, study: StudyKey) -> list[bool]:
        """Makes a study's tables where they are not of what is known; tells which were made already."""
        settings = Settings()
        reader = DicomObjectProcessor(
            self.landing, self.warehouse.store, settings.thumbnail_side, settings.max_pixels, settings.check_identity
        )
        images = StudyImageBuilder(reader, self.warehouse)
        reports = StudyReportBuilder(self.landing, self.warehouse, RulesReader())
        dicom, texts = (objects[study] for objects in objects_of(self.warehouse, [study], "dicom", "report"))
        made = [images.is_current(study, dicom), reports.is_current(study, texts)]
        if not made[0]:
            images.build({study: dicom}, decoding_workers(settings), lambda _: None)
        if not made[1]:
            reports.build(study, texts)
        return made

    def rewrite(self, key: str) -> None:
        """Puts the same bytes again so that the store gives them another tag."""
        if self.landing.url.startswith("file"):
            self.landing.write(key, self.landing.read(key))
            return
        import boto3

        bucket, _, prefix = self.landing.url.removeprefix("s3://").partition("/")
        client = boto3.client("s3", endpoint_url=self.landing._store.config["endpoint"])  # type: ignore[attr-defined]
        upload = client.create_multipart_upload(Bucket=bucket, Key=f"{prefix}/{key}")["UploadId"]
        where = {"Bucket": bucket, "Key": f"{prefix}/{key}", "UploadId": upload}
        part = client.upload_part(**where, PartNumber=1, Body=self.landing.read(key))
        client.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]})


def test_what_is_named_twice_or_late_is_recorded_once(place: Place) -> None:
    land_study(place.landing, STUDY)
    first = place.record(IMAGE, TEXT, IMAGE)
    assert (first.added, first.replaced, first.removed, list(first.studies)) == (2, 0, 0, [STUDY])
    again = place.record(IMAGE)
    assert (again.entry, again.unchanged, list(again.studies)) == (None, 1, [])
    assert journal.names(place.warehouse) == [first.entry]
    assert place.look().entry is None
    place.landing.delete(IMAGE)
    assert place.record(IMAGE, "never/there").removed == 1
    assert place.known().keys() == {TEXT}
    assert place.record(IMAGE).entry is None


def test_what_was_noticed_since_the_inventory_is_what_a_run_sees(place: Place) -> None:
    land_study(place.landing, STUDY, report=None)
    place.look()
    place.compact()
    place.landing.write(TEXT, REPORT.encode())
    place.record(TEXT)
    assert [o.key for o in objects_of(place.warehouse, [STUDY, OTHER], "report")[0][STUDY]] == [TEXT]
    before = place.known()
    place.compact()
    assert place.known() == before


def test_an_inventory_is_written_again_only_when_something_changed(place: Place) -> None:
    land_study(place.landing, STUDY)
    place.look()
    place.compact()
    tag = place.warehouse.store.info(PATH).etag
    place.look()
    place.compact()
    assert place.warehouse.store.info(PATH).etag == tag


def test_entries_go_once_they_are_contained_and_taken_or_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    land_study(place.landing, STUDY)
    names = [place.record(key).entry for key in (IMAGE, TEXT)]
    monkeypatch.setattr(pending, "dispatched_entries", lambda _: set())
    place.compact()
    assert journal.names(place.warehouse) == names, "the dispatcher has not taken them"
    monkeypatch.setattr(pending, "dispatched_entries", lambda _: {names[0], "another"})
    place.compact()
    assert journal.names(place.warehouse) == names[1:]
    place.now += timedelta(days=8)
    place.compact()
    assert journal.names(place.warehouse) == []
    assert place.known().keys() == {IMAGE, TEXT}


def test_entries_go_at_once_where_no_dispatcher_ever_ran(place: Place) -> None:
    land_study(place.landing, STUDY)
    place.record(IMAGE, TEXT)
    place.compact()
    assert journal.names(place.warehouse) == []
    assert place.known().keys() == {IMAGE, TEXT}


def test_an_entry_that_was_compacted_while_being_read_is_looked_for_in_the_inventory(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_study(place.landing, STUDY)
    place.record(IMAGE, TEXT)
    (name,) = journal.names(place.warehouse)
    before, listed = place.known(), [[name, "20260101T000000.000000Z-compacted"], [name]]
    monkeypatch.setattr(journal, "names", lambda _: listed.pop(0))
    assert place.known() == before
    assert listed == []


@pytest.mark.slow
@pytest.mark.parametrize("is_report", [False, True])
def test_the_same_bytes_under_another_tag_touch_no_study_and_rerun_nothing(place: Place, is_report: bool) -> None:
    land_study(place.landing, STUDY)
    place.look()
    place.make(STUDY)
    key = TEXT if is_report else IMAGE
    was = place.known()[key]
    place.rewrite(key)
    found = place.record(key)
    assert (found.retagged, found.replaced, list(found.studies)) == (1, 0, [])
    now = place.known()[key]
    assert (now.etag != was.etag, now.version) == (True, was.etag)
    assert place.make(STUDY) == [True, True]
    place.landing.write(key, place.landing.read(key)[::-1])
    replaced = place.record(key)
    assert (replaced.replaced, replaced.retagged, list(replaced.studies)) == (1, 0, [STUDY])
    assert place.known()[key].version is None
    assert place.make(STUDY) == [is_report, not is_report]


@pytest.mark.slow
def test_the_same_bytes_are_taken_for_others_where_no_table_tells_of_them(place: Place) -> None:
    land_study(place.landing, STUDY)
    place.look()
    place.rewrite(IMAGE)
    assert place.record(IMAGE).replaced == 1, "not ingested yet"
    place.make(STUDY)
    first = place.landing.read(IMAGE)
    place.landing.write(IMAGE, first[:-2] + b"\0\0")
    assert place.record(IMAGE).replaced == 1
    place.landing.write(IMAGE, first)
    assert place.record(IMAGE).replaced == 1, "its table is of these bytes, but not of those that landed last"


def test_a_moved_image_leaves_one_study_for_another_and_both_are_touched(place: Place) -> None:
    place.landing.write("in/IM1", image_bytes(STUDY))
    place.look()
    (first,) = (StudyKey(o.patient or "", o.study or "") for o in place.known().values())
    place.landing.write("in/IM1", image_bytes(OTHER))
    found = place.record("in/IM1")
    assert found.replaced == 1
    (second,) = (StudyKey(o.patient or "", o.study or "") for o in place.known().values())
    assert list(found.studies) == sorted([first, second])
    changes = place.warehouse.read_rows(LandedChange, journal.path_of(found.entry or ""))
    assert [(c.change, c.study) for c in changes] == [("removed", first.study), ("added", second.study)]


def test_an_image_moved_to_another_key_is_one_that_went_and_one_that_came(place: Place) -> None:
    place.landing.write("in/IM1", image_bytes(STUDY))
    place.look()
    place.landing.write("out/IM1", image_bytes(STUDY))
    place.landing.delete("in/IM1")
    found = place.look()
    assert (found.added, found.removed, len(found.studies)) == (1, 1, 1)
    assert place.known().keys() == {"out/IM1"}


def test_a_report_before_its_images_by_key_and_by_header(place: Place) -> None:
    place.landing.write(TEXT, REPORT.encode())
    place.landing.write("in/50414268.txt", REPORT.encode())
    first = place.record(TEXT, "in/50414268.txt")
    assert (first.added, list(first.studies)) == (2, [STUDY])
    assert place.known()["in/50414268.txt"].reason == "report_without_study"
    place.landing.write("in/deep/IM1", image_bytes(OTHER))
    second = place.record("in/deep/IM1")
    assert (second.added, len(second.studies)) == (1, 1)
    joined = place.known()["in/50414268.txt"]
    assert (joined.kind, StudyKey(joined.patient or "", joined.study or "")) == ("report", second.studies[0])


def test_a_store_that_fails_journals_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    land_study(place.landing, STUDY)
    place.landing.write("in/IM1", image_bytes(STUDY))
    seen = [place.seen(key) for key in (IMAGE, "in/IM1")]
    original = type(place.landing).open

    def fail(self: ObjectStore, key: str) -> object:
        if key == "in/IM1":
            raise StorageError("cannot open in/IM1: TimeoutError")
        return original(self, key)

    monkeypatch.setattr(type(place.landing), "open", fail)
    with pytest.raises(StorageError, match="cannot open"):
        record(place.landing, place.warehouse, MIMIC_CXR, SECRET, seen, NOON)
    assert journal.names(place.warehouse) == []


@pytest.mark.slow
def test_one_study_under_two_patients_keeps_its_reports_apart(place: Place) -> None:
    twin = StudyKey("p10000099", STUDY.study)
    land_study(place.landing, STUDY)
    place.look()
    place.make(STUDY)
    ids = lambda study: place.warehouse.read(study_path("reports", study))["report_id"].to_pylist()  # noqa: E731
    assert ids(STUDY) == [STUDY.study]
    for key in (f"files/p10/{twin}.txt", f"files/p10/{twin}/second.txt"):
        place.landing.write(key, REPORT.encode())
    found = place.look()
    assert list(found.studies) == [STUDY, twin], "the first patient's is made again too"
    assert [place.make(study) for study in (STUDY, twin)] == [[True, False], [False, False]]
    assert (ids(STUDY), ids(twin)) == ([str(STUDY).replace("/", "_")], [f"{twin.patient}_{twin.study}{n}" for n in ("", "_2")])
    for key in (f"files/p10/{twin}.txt", f"files/p10/{twin}/second.txt"):
        place.landing.delete(key)
    assert list(place.look().studies) == [STUDY, twin]
    place.make(STUDY)
    assert ids(STUDY) == [STUDY.study]


@pytest.mark.slow
def test_one_study_in_two_folders_is_one_study_without_its_duplicates(place: Place) -> None:
    land_study(place.landing, STUDY)
    for key in (IMAGE, TEXT):
        place.landing.write(f"copy/{key}", place.landing.read(key))
    assert list(place.look().studies) == [STUDY]
    place.make(STUDY)
    rejected = place.warehouse.read("rejections/dicom_metadata/p10000032/s50414267.parquet")
    assert rejected.select(["key", "reason"]).to_pylist() == [{"key": IMAGE, "reason": "duplicate_object"}]
    reports = place.warehouse.read(study_path("reports", STUDY)).select(["key", "report_id"]).to_pylist()
    assert [(r["key"], r["report_id"]) for r in reports] == [(f"copy/{TEXT}", STUDY.study), (TEXT, f"{STUDY.study}_2")]


def test_another_layout_places_everything_anew(place: Place) -> None:
    land_study(place.landing, STUDY)
    place.look()
    place.compact()
    layout = Layout.of(r"nothing/(?P<patient>x)/(?P<study>y)")
    found = scan_full_store(place.landing, place.warehouse, layout, SECRET, INPUTS_OF, place.tick(), is_removal_confirmed=False)
    assert (found.replaced, len(found.studies)) == (2, 2)
    assert {o.patient[0] for o in place.known().values() if o.patient} == {"h"}
