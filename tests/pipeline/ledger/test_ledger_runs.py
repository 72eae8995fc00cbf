"""The ledger after real runs over real files: landed, ingested, replaced, deleted; and the check when something is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from dagster import AssetKey

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord, LedgerEntry
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.object_store import ObjectStore
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import CATALOG_PATH, LEDGER_PATH, Warehouse, rejections_path, study_path
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake import journal
from medsearch_pipeline.ledger.catalog import catalog_digest, refresh_catalog
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.documents import read_documents
from tests.support.deadly_items import DeadlyFolder
from tests.support.ingest import ingest, instance_in_memory, settings_in, take_ledger
from tests.support.landing import folder_of, image_bytes, land_study, sop_instance_uid

STUDIES = [StudyKey("p10000001", "s50000001"), StudyKey("p10000002", "s50000002")]
FIRST = f"{folder_of(STUDIES[0])}/{sop_instance_uid(STUDIES[0], 1)}.dcm"
BROKEN = f"{folder_of(STUDIES[0])}/broken.dcm"
OTHER = f"{folder_of(STUDIES[1])}/{sop_instance_uid(STUDIES[1], 1)}.dcm"
REPORTS = [f"{folder_of(study)}.txt" for study in STUDIES]


class Place:
    """A deployment in a folder."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.settings: Settings = settings_in(home / "landing", home).model_copy(update=settings)
        self.instance = instance_in_memory()
        self.landing: ObjectStore = open_store(self.settings.landing, self.settings.s3)
        self.warehouse = Warehouse(open_store(self.settings.warehouse))

    def ingest(self) -> str:
        return ingest(self.settings, self.instance).run_id

    def inventory(self) -> None:
        job = build_definitions(self.settings).resolve_job_def("inventory_job")
        assert job.execute_in_process(instance=self.instance).success

    def account(self) -> tuple[dict[str, list[str]], dg.AssetCheckEvaluation]:
        """Runs the ledger: key → its states, and the check."""
        result = take_ledger(self.settings, self.instance)
        assert result.success, "the check blocks nothing"
        (check,) = (c for c in result.get_asset_check_evaluations() if c.check_name == "every_object_is_accounted_for")
        states: dict[str, list[str]] = {}
        for entry in self.entries():
            states.setdefault(entry.key, []).append(entry.state)
        return states, check

    def entries(self) -> list[LedgerEntry]:
        return self.warehouse.read_rows(LedgerEntry, LEDGER_PATH)

    def told(self, asset: str) -> dict[str, object]:
        """What the last materialisation of an asset told."""
        event = self.instance.get_latest_materialization_event(AssetKey(asset))
        assert event
        assert event.asset_materialization
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Two studies, one with a corrupt file, and a file that is none of ours; nothing is ingested."""
    place = Place(tmp_path)
    for study in STUDIES:
        land_study(place.landing, study)
    place.landing.write(BROKEN, b"%PDF-1.7")
    place.landing.write("index.html", b"<html>")
    return place


def test_the_states_of_every_object_follow_what_happens_to_it(place: Place) -> None:
    place.inventory()
    states, check = place.account()
    assert states == {key: ["pending"] for key in (FIRST, BROKEN, OTHER, *REPORTS)} | {"index.html": ["excluded"]}
    assert check.passed

    made = place.ingest()
    states, check = place.account()
    ingested = {key: ["indexed"] for key in (FIRST, OTHER, *REPORTS)} | {BROKEN: ["rejected"], "index.html": ["excluded"]}
    assert states == ingested
    assert check.passed
    assert {e.run for e in place.entries() if e.patient} == {made}
    assert {e.key: e.reason for e in place.entries() if e.reason} == {BROKEN: "not_dicom", "index.html": "unrecognised_object"}
    (image,) = (row for row in place.warehouse.read_rows(ImageRecord, study_path("dicom_metadata", STUDIES[0])))
    assert next(e.sha256 for e in place.entries() if e.key == FIRST) == image.sha256

    tags = [place.warehouse.store.info(path).etag for path in (CATALOG_PATH, LEDGER_PATH)]
    assert place.account()[0] == ingested
    assert [place.warehouse.store.info(path).etag for path in (CATALOG_PATH, LEDGER_PATH)] == tags
    assert (place.told("catalogue")["files_read"], place.told("ledger")["unchanged"]) == (0, 1)

    place.landing.write(FIRST, image_bytes(STUDIES[0], 7, SOPInstanceUID=sop_instance_uid(STUDIES[0], 1)))
    for key in (OTHER, REPORTS[1]):
        place.landing.delete(key)
    place.inventory()
    states, check = place.account()
    replaced = {FIRST: ["pending", "superseded"], BROKEN: ["pending"], OTHER: ["deleted"], REPORTS[1]: ["deleted"]}
    assert states == ingested | replaced
    assert check.passed, "work that waits is no difference"

    again = place.ingest()
    states, check = place.account()
    assert states == ingested | {FIRST: ["indexed", "superseded"], OTHER: ["deleted"], REPORTS[1]: ["deleted"]}
    assert check.passed
    current, old = (e for e in place.entries() if e.key == FIRST)
    assert (current.run, old.sha256) == (again, image.sha256)
    assert current.sha256 != old.sha256
    assert place.told("catalogue")["files_read"] == 4 + 7, "images, vectors and rejections of one study, all of the other"
    assert set(open_embedded(place.settings.index).studies()) == {STUDIES[0]}


@pytest.fixture(params=["folder", "s3"])
def accounted(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Two studies in a folder or a bucket, ingested; the ledger has not run."""
    bucket: dict[str, str] = {}
    if request.param == "s3":
        address, endpoint = (request.getfixturevalue(name) for name in ("s3_bucket", "s3_endpoint"))
        bucket = {"landing": f"s3://{address}/landing", "s3_endpoint": endpoint, "s3_region": "us-east-1"}
    place = Place(tmp_path, **bucket)
    for study in STUDIES:
        land_study(place.landing, study)
    place.ingest()
    return place


def test_what_was_searchable_and_went_before_the_first_ledger_is_in_it(accounted: Place) -> None:
    place = accounted
    versions = []
    for number in (7, 8):
        place.landing.write(FIRST, image_bytes(STUDIES[0], number, SOPInstanceUID=sop_instance_uid(STUDIES[0], 1)))
        versions.append(place.landing.info(FIRST).etag)
        place.inventory()
    place.landing.delete(OTHER)
    place.ingest()
    place.inventory()
    assert (journal.names(place.warehouse), len(journal.retired(place.warehouse))) == ([], 4), "what was noticed is kept"
    states, check = place.account()
    assert states == {FIRST: ["indexed", "superseded"], OTHER: ["deleted"], **{key: ["indexed"] for key in REPORTS}}
    assert check.passed
    (old,) = (entry for entry in place.entries() if entry.state == "superseded")
    assert old.etag == versions[0], "the last of two versions"

    kept = place.warehouse.store.info(LEDGER_PATH).etag
    assert place.account()[0] == states
    assert place.warehouse.store.info(LEDGER_PATH).etag == kept
    place.inventory()
    assert journal.retired(place.warehouse) == [], "until the ledger has taken it"
    assert place.account()[0] == states


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two studies, a corrupt file and a study grouped by header, ingested and accounted for. A test undoes what it does."""
    place = Place(tmp_path_factory.mktemp("ingested"))
    for study in STUDIES:
        land_study(place.landing, study)
    place.landing.write(BROKEN, b"%PDF-1.7")
    place.landing.write("elsewhere/IM1", image_bytes(STUDIES[1], 9, PatientName="Doe^Jane", StudyInstanceUID="2.25.99"))
    place.landing.write("elsewhere/IM1.txt", b"FINDINGS: Jane Doe was seen with an effusion.")
    place.ingest()
    assert place.account()[1].passed
    return place


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (study_path("dicom_metadata", STUDIES[1]), [REPORTS[1], OTHER]),
        (study_path("thumbnails", STUDIES[1]), [REPORTS[1], OTHER]),
        (study_path("reports", STUDIES[1]), [REPORTS[1], OTHER]),
        (rejections_path("dicom_metadata", STUDIES[0]), [REPORTS[0], FIRST, BROKEN]),
    ],
)
def test_a_table_removed_by_hand_fails_the_check_by_key(ingested: Place, path: str, named: list[str]) -> None:
    removed = ingested.warehouse.store.read(path)
    ingested.warehouse.store.delete(path)
    _, check = ingested.account()
    assert (check.passed, check.severity.value, check.blocking) == (False, "ERROR", False)
    assert check.metadata["keys"].value == sorted(named)
    ingested.warehouse.store.write(path, removed)
    assert ingested.account()[1].passed


def test_what_the_check_says_to_do_brings_lost_rejections_back(ingested: Place) -> None:
    entries = {e.key: e.state for e in ingested.entries()}
    for stage, study in zip(("dicom_metadata", "report_entities"), STUDIES, strict=True):
        ingested.warehouse.store.delete(rejections_path(stage, study))
    assert not ingested.account()[1].passed
    ingested.ingest()
    assert ingested.account()[1].passed
    assert {e.key: e.state for e in ingested.entries()} == entries


def test_a_study_removed_from_the_index_by_hand_fails_the_check_by_key(ingested: Place) -> None:
    index = open_embedded(ingested.settings.index)
    index.delete([STUDIES[1]])
    states, check = ingested.account()
    assert states[OTHER] == states[REPORTS[1]] == ["pending"]
    assert (check.passed, check.metadata["keys"].value) == (False, [REPORTS[1], OTHER])
    index.upsert([read_documents(ingested.warehouse, STUDIES[1])])
    assert ingested.account()[1].passed, "what search_index would write helps"


def test_one_document_removed_from_the_index_by_hand_fails_the_check_by_the_keys_of_its_study(ingested: Place) -> None:
    index = open_embedded(ingested.settings.index)
    before, whole = index.health(), read_documents(ingested.warehouse, STUDIES[1])
    index.delete([STUDIES[1]])
    index.upsert([replace(whole, images=[i for i in whole.images if i.image_id != sop_instance_uid(STUDIES[1], 1)])])
    _, check = ingested.account()
    assert (check.passed, check.metadata["keys"].value) == (False, [REPORTS[1], OTHER])
    assert "reindex --fresh" in str(check.description)
    told = check.metadata["totals"]
    assert isinstance(told, dg.TableMetadataValue)
    totals = {r.data["what"]: r.data for r in told.records}
    counts = {"ledger": "3", "parquet": "3", "index": "2"}
    assert totals["images"] == {"what": "images", "listing": "", **counts}
    index.delete([STUDIES[1]])
    index.upsert([whole])
    assert index.health().images == before.images == 3


def test_the_catalogue_reads_only_what_changed_and_may_be_deleted_at_any_time(ingested: Place) -> None:
    warehouse = ingested.warehouse
    before, entries = warehouse.read(CATALOG_PATH), ingested.entries()
    asked: list[str] = []

    class Noting:
        """The store, which notes what is read."""

        def __getattr__(self, name: str) -> object:
            return getattr(warehouse.store, name)

        def read(self, key: str) -> bytes:
            asked.append(key)
            return warehouse.store.read(key)

    warehouse.write(CATALOG_PATH, before, catalog_digest())
    path = study_path("reports", STUDIES[1])
    warehouse.store.write(path, warehouse.store.read(path))
    done = refresh_catalog(Warehouse(Noting()))  # type: ignore[arg-type]
    assert asked == [CATALOG_PATH, path]
    assert (done.files_read, done.files_reused, done.files_removed) == (1, before.num_rows - 1, 1)
    warehouse.store.delete(CATALOG_PATH)
    assert ingested.account()[1].passed
    assert ingested.entries() == entries
    rebuilt = warehouse.read(CATALOG_PATH)
    assert rebuilt.drop_columns("etag").equals(before.drop_columns("etag"))


def test_a_file_that_is_no_parquet_stops_nothing_and_is_named(ingested: Place) -> None:
    path = study_path("embeddings", STUDIES[1])
    whole = ingested.warehouse.store.read(path)
    ingested.warehouse.store.write(path, b"PAR1 but for the rest")
    states, check = ingested.account()
    assert states[OTHER] == ["pending"]
    assert (check.passed, check.metadata["keys"].value) == (False, [REPORTS[1], OTHER])
    ingested.warehouse.store.write(path, whole)
    assert ingested.account()[1].passed


def test_what_the_machine_interrupts_is_pending_until_it_was_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"{folder_of(STUDIES[0])}/killed.dcm"
    place.landing.write(key, image_bytes(STUDIES[0], 2))
    with monkeypatch.context() as machine:
        machine.setattr("medsearch_core.storage.folder.Folder", DeadlyFolder)
        place.ingest()
    states, check = place.account()
    assert (states[key], states[FIRST], states[OTHER]) == (["pending"], ["pending"], ["indexed"])
    assert check.passed, "work that waits is no difference"
    assert open_embedded(place.settings.index).health().images == 2, "what was read is found"
    place.ingest()
    assert {state for of in (key, FIRST, OTHER) for state in place.account()[0][of]} == {"indexed"}


def test_there_is_no_ledger_without_an_inventory(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with pytest.raises(ConfigurationError, match="inventory_job"):
        take_ledger(place.settings, place.instance)


def test_no_patient_data_but_keys_reaches_ledger_catalogue_or_check(ingested: Place) -> None:
    instance = ingested.instance
    kept = [str(ingested.warehouse.read(path).to_pylist()) for path in (CATALOG_PATH, LEDGER_PATH)]
    runs = [run.run_id for run in instance.get_runs() if run.job_name == "ledger_job"]
    logs = [str(record) for run in runs for record in instance.all_logs(run)]
    assert logs
    assert "elsewhere/IM1.txt" in kept[1]
    assert not [text for text in kept + logs if any(of in text for of in ("Doe", "effusion", "2.25.99'", "'10000002'"))]
