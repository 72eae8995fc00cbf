"""The checks after real runs over real files: they pass on what was ingested, and each fails on what was damaged."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.records import EmbeddingRecord, ThumbnailRecord
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.studies.documents import read_documents
from tests.support.ingest import ingest, instance_in_memory, settings_in, take_ledger
from tests.support.landing import folder_of, image_bytes, land_study, sop_instance_uid
from tests.support.sentences import figures

WHOLE, UNPICTURED, ALTERED, UNFINITE, DROPPED, ZERO = (StudyKey(f"p1000000{n}", f"s5000000{n}") for n in range(1, 7))
STUDIES = (WHOLE, UNPICTURED, ALTERED, UNFINITE, DROPPED, ZERO)
PICTURES, PAIRED, COMPARABLE, DIRECTIONS = (
    "thumbnails_match_files",
    "every_image_has_one_embedding",
    "embeddings_are_valid",
    "indexed_vectors_match_embeddings",
)

Checks = dict[str, dg.AssetCheckEvaluation]


class Place:
    """A deployment in a folder, ingested and accounted for."""

    def __init__(self, home: Path) -> None:
        self.settings = settings_in(home / "landing", home)
        self.instance = instance_in_memory()
        self.landing = open_store(self.settings.landing)
        self.warehouse = Warehouse(open_store(self.settings.warehouse))
        for study in STUDIES:
            land_study(self.landing, study)
        named = {"PatientName": "Doe^Jane^Q", "PatientID": "MRN-77120", "StudyInstanceUID": "1.2.826.0.1.99"}
        self.landing.write(f"elsewhere/{sop_instance_uid(WHOLE, 9)}", image_bytes(WHOLE, 9, **named))
        self.landing.write("elsewhere/1.txt", b"FINDINGS: The lady from Bristol was seen with an effusion.")
        self.first = checks_of(ingest(self.settings, self.instance))

    def ingest(self) -> dg.ExecuteInProcessResult:
        """One run over every study, whether it succeeds or not."""
        keys = self.instance.get_dynamic_partitions(NAME)
        span = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
        job = build_definitions(self.settings).resolve_job_def("ingest_job")
        return job.execute_in_process(instance=self.instance, tags=span, raise_on_error=False)

    def account(self) -> Checks:
        return checks_of(take_ledger(self.settings, self.instance))

    @contextmanager
    def restored(self, *paths: str) -> Iterator[None]:
        """Puts files of the warehouse back."""
        kept = {path: self.warehouse.store.read(path) for path in paths}
        yield
        for path, data in kept.items():
            self.warehouse.store.write(path, data)

    def png(self, study: StudyKey) -> ThumbnailRecord:
        return self.warehouse.read_rows(ThumbnailRecord, study_path("thumbnails", study))[0]

    def damage(self, study: StudyKey, change: Callable[[list[EmbeddingRecord]], list[EmbeddingRecord]]) -> None:
        """Rewrites a study's vectors as though they were made so."""
        path = study_path("embeddings", study)
        rows = self.warehouse.read_rows(EmbeddingRecord, path)
        self.warehouse.write_rows(EmbeddingRecord, path, change(rows), self.warehouse.inputs(path) or "")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Six studies of MIMIC-CXR's layout and one grouped by header, whose patient has a name. A test undoes what it does."""
    return Place(tmp_path_factory.mktemp("checked"))


def checks_of(result: dg.ExecuteInProcessResult) -> Checks:
    return {check.check_name: check for check in result.get_asset_check_evaluations()}


def faults(check: dg.AssetCheckEvaluation) -> dict[str, list[int]]:
    """Study → the figures of the sentence that says what is wrong with it."""
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert not check.blocking, "one study holds up no other"
    value = check.metadata["faults"].value
    assert isinstance(value, dict)
    return {study: figures(fault) for study, fault in value.items()}


def test_every_check_passes_on_what_was_ingested(place: Place) -> None:
    checks = place.first | place.account()
    assert {name: check.passed for name, check in checks.items()} == dict.fromkeys(
        (
            "every_dicom_object_was_used",
            PICTURES,
            PAIRED,
            COMPARABLE,
            "every_report_was_used",
            DIRECTIONS,
            "every_object_is_accounted_for",
            "index_counts_are_those_of_parquet",
            "reports_found_their_studies",
            "events_hold_no_patient_data",
        ),
        True,
    )
    assert checks[DIRECTIONS].metadata["compared"].value == 7
    told: dict[str, Any] = {name: value.value for name, value in checks["events_hold_no_patient_data"].metadata.items()}
    assert (told["runs_read"], told["events_with_patient_data"]) == (2, 0)
    assert told["events_read"] > 7 * 10
    assert told["values_compared"] > 7
    joined = {name: value.value for name, value in checks["reports_found_their_studies"].metadata.items()}
    assert (joined["reports"], joined["joined_reports"], joined["joined_share"], joined["reported_share"]) == (7, 7, 1.0, 1.0)
    counts = {name: value.value for name, value in checks["index_counts_are_those_of_parquet"].metadata.items()}
    assert (counts["parquet_images"], counts["index_images"], counts["parquet_studies"], counts["index_studies"]) == (
        7,
        7,
        7,
        7,
    )


def test_what_was_damaged_is_told_study_by_study_and_every_other_study_is_indexed(place: Place) -> None:
    pngs = [place.png(UNPICTURED).path, place.png(ALTERED).path]
    vectors = [study_path("embeddings", study) for study in (UNFINITE, DROPPED, ZERO)]
    with place.restored(*pngs, *vectors):
        place.warehouse.store.delete(pngs[0])
        whole = place.warehouse.store.read(pngs[1])
        place.warehouse.store.write(pngs[1], whole[:-1] + bytes([whole[-1] ^ 1]))
        place.damage(UNFINITE, lambda rows: [replace(rows[0], vector=[math.nan, *rows[0].vector[1:]])])
        place.damage(DROPPED, lambda rows: rows[1:])
        place.damage(ZERO, lambda rows: [replace(rows[0], vector=[0.0] * len(rows[0].vector))])
        result = place.ingest()
    checks = checks_of(result)
    assert faults(checks[PICTURES]) == {
        str(UNPICTURED): [1, 1, 0],
        str(ALTERED): [],
    }
    assert faults(checks[PAIRED]) == {str(DROPPED): [1, 0, 0]}
    assert faults(checks[COMPARABLE]) == {
        str(UNFINITE): [1, 0],
        str(ZERO): [0, 1],
    }
    assert "embeddings" in str(checks[COMPARABLE].description), "the remedy names the table"
    assert not result.success
    (failed,) = (event for event in result.all_events if event.is_step_failure)
    error = failed.step_failure_data.error
    assert error
    sentence = error.to_string().partition("StudiesIncomplete: ")[2].splitlines()[0]
    assert (str(UNFINITE) in sentence, figures(sentence)) == (True, [1]), "the first study, and one more"
    indexed = {e.partition for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey("search_index")}
    assert indexed == set(place.instance.get_dynamic_partitions(NAME)) - {str(UNFINITE), str(DROPPED)}
    assert all(check.passed for check in checks_of(place.ingest()).values())


def test_a_png_of_another_size_and_vectors_of_another_length_are_told(place: Place) -> None:
    path = place.png(ALTERED).path
    with place.restored(path, study_path("embeddings", ZERO)):
        place.warehouse.store.write(path, b"\x89PNG")
        place.damage(ZERO, lambda rows: [replace(rows[0], vector=[1.0, 2.0])])
        checks = checks_of(place.ingest())
    assert faults(checks[PICTURES]) == {str(ALTERED): [1, 0, 1]}
    assert faults(checks[COMPARABLE]) == {str(ZERO): [1, 1280]}


def test_another_vector_in_the_index_is_told(place: Place) -> None:
    index, held = open_embedded(place.settings.index), read_documents(place.warehouse, ALTERED)
    image = held.images[0]
    other = replace(image, vector=[-value for value in image.vector])
    index.upsert([replace(held, images=[other], inputs="")])
    index.upsert([replace(held, images=[other])])
    checks = checks_of(place.ingest())
    assert list(faults(checks[DIRECTIONS])) == [str(ALTERED)]
    index.upsert([replace(held, inputs="")])
    assert checks_of(place.ingest())[DIRECTIONS].passed


@dg.op
def careless(context: dg.OpExecutionContext) -> None:
    """What must not be written: a name, a record number, a study's UID, and the words of a report."""
    context.log.info("harmless: 7 studies")
    context.log.info("cannot place jane DOE")
    context.log.info("record MRN-77120, study 1.2.826.0.1.99")
    context.log.info("she is the lady from  Bristol was seen last")


@dg.job
def careless_job() -> None:
    careless()


def test_the_ledgers_checks_tell_of_lost_documents_stray_reports_and_patient_data_in_events(place: Place) -> None:
    for number in range(2):
        place.landing.write(f"strays/{number}.txt", b"FINDINGS: Nothing that a study claims.")
    build_definitions(place.settings).resolve_job_def("inventory_job").execute_in_process(instance=place.instance)
    run = careless_job.execute_in_process(instance=place.instance).run_id
    index = open_embedded(place.settings.index)
    index.delete([WHOLE])
    checks = place.account()

    leaked = checks["events_hold_no_patient_data"]
    assert (leaked.passed, leaked.severity.value, leaked.metadata["events_with_patient_data"].value) == (False, "ERROR", 3)
    events = leaked.metadata["events"].value
    assert [(e["run"], e["columns"]) for e in events] == [  # type: ignore[union-attr, call-overload, index]
        (run, ["report"]),
        (run, ["patient_id", "study_instance_uid"]),
        (run, ["PatientName"]),
    ]
    written = {r.storage_id: r.event_log_entry.user_message for r in place.instance.get_records_for_run(run).records}
    assert "jane DOE" in written[events[2]["event"]]  # type: ignore[index, call-overload]
    assert not [word for word in ("jane", "doe", "77120", "bristol", "0.1.99") if word in str(leaked).casefold()]

    lost = checks["index_counts_are_those_of_parquet"]
    assert (lost.passed, lost.description) == (
        False,
        "7 images in Parquet, 6 in the index; 7 reports in Parquet, 6 in the index; 7 studies in Parquet, 6 in the index",
    )
    joined = checks["reports_found_their_studies"]
    assert (joined.passed, joined.severity.value) == (False, "WARN")
    assert figures(joined.description or "") == [7, 9, 95]

    place.instance.delete_run(run)
    for number in range(2):
        place.landing.delete(f"strays/{number}.txt")
    index.upsert([read_documents(place.warehouse, WHOLE)])
    build_definitions(place.settings).resolve_job_def("inventory_job").execute_in_process(instance=place.instance)
    assert all(check.passed for check in place.account().values())
    assert folder_of(WHOLE) in str(place.warehouse.read("inventory.parquet").to_pylist())
