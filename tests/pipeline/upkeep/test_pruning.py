"""Pruning: what goes, what is left to others, and that it may be done at any time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.records import LandedChange, LandedObject, LedgerEntry, TagRecord
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import LEDGER_PATH, Warehouse, study_path
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.intake import journal, pending
from medsearch_pipeline.intake.dispatch import PendingStudy
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.orchestration.run_tags import RANGE_END_TAG, RANGE_START_TAG
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.upkeep.pruning import InFlightWork, prune, removed_studies
from tests.support.ingest import ingest, instance_in_memory, settings_in, take_ledger
from tests.support.landing import land_study

A, B, C, D = STUDIES = [StudyKey("p10000001", f"s5000000{n}") for n in range(1, 5)]
KEYS = [study.partition for study in STUDIES]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Place:
    """Four studies, ingested, with a tag each."""

    def __init__(self, home: Path) -> None:
        self.settings: Settings = settings_in(home / "landing", home)
        self.instance = instance_in_memory()
        self.landing = open_store(self.settings.landing)
        self.warehouse = Warehouse(open_store(self.settings.warehouse))
        for study in STUDIES:
            land_study(self.landing, study)
            self.warehouse.write_rows(TagRecord, study_path("tags", study), [TagRecord(tag="teaching")])
        ingest(self.settings, self.instance)
        take_ledger(self.settings, self.instance)

    def unland(self, *studies: StudyKey) -> None:
        for o in list(self.landing.list()):
            if any(study.study in o.key for study in studies):
                self.landing.delete(o.key)
        job = build_definitions(self.settings).resolve_job_def("inventory_job")
        assert job.execute_in_process(instance=self.instance).success

    def prune(self, **config: bool) -> dict[str, object]:
        """What the job told."""
        job = build_definitions(self.settings).resolve_job_def("prune_job")
        result = job.execute_in_process(instance=self.instance, run_config={"ops": {"prune": {"config": config}}})
        (output,) = (e for e in result.all_events if e.event_type_value == "STEP_OUTPUT")
        return {name: value.value for name, value in output.step_output_data.metadata.items()}

    def held(self, study: StudyKey) -> list[str]:
        return [o.key for o in self.warehouse.store.list() if f"{study}" in o.key]

    def indexed(self) -> set[StudyKey]:
        return set(open_embedded(self.settings.index).studies())

    def partitions(self) -> list[str]:
        return list(self.instance.get_dynamic_partitions(NAME))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("prune"))


def test_studies_go_one_after_the_other_and_what_others_claim_is_left(place: Place) -> None:
    assert place.prune()["studies"] == 0, "everything is landed"
    assert len(place.held(B)) == 9, "five tables, two of rejections, tags, and a picture"

    place.unland(B, C, D)
    before = {study: place.held(study) for study in STUDIES}
    told = place.prune(dry_run=True)
    counted = [told[name] for name in ("dry_run", "studies", "files", "studies_in_index", "partitions")]
    assert counted == [True, 3, 27, 3, 3]
    assert {study: place.held(study) for study in STUDIES} == before
    assert place.partitions() == KEYS

    land_again = [LandedChange(**asdict(o), change="added") for o in _objects_of(place, B)]
    entry = journal.append(place.warehouse, land_again, NOW)
    pending.write(place.warehouse, pending.State((PendingStudy(C, NOW, NOW, "ingest-t-0"),)))
    span = {RANGE_START_TAG: A.partition, RANGE_END_TAG: D.partition}
    run = create_run_for_test(place.instance, job_name="ingest_job", tags=span, status=dg.DagsterRunStatus.STARTED)
    told = place.prune()
    assert (told["studies"], told["studies_left"], told["first_studies_left"]) == (0, 2, KEYS[2:]), "B has landed again"

    place.instance.delete_run(run.run_id)
    told = place.prune()
    assert (told["first_studies"], told["first_studies_left"]) == ([D.partition], [C.partition])
    assert (place.held(D), place.held(B), place.held(C)) == ([], before[B], before[C])
    assert (place.indexed(), place.partitions()) == ({A, B, C}, KEYS[:3])

    pending.write(place.warehouse, pending.State())
    journal.remove(place.warehouse, [entry])
    told = place.prune()
    assert (told["studies"], told["files"], told["studies_in_index"], told["partitions"]) == (2, 18, 2, 2)
    assert (place.held(A), place.held(B), place.held(C)) == (before[A], [], [])
    assert (place.indexed(), place.partitions()) == ({A}, KEYS[:1])
    assert place.prune()["studies"] == 0, "done twice, there is nothing to do"

    assert all(c.passed for c in take_ledger(place.settings, place.instance).get_asset_check_evaluations())
    states = {(e.study, e.state) for e in place.warehouse.read_rows(LedgerEntry, LEDGER_PATH)}
    assert states == {(A.study, "indexed"), *((s.study, "deleted") for s in (B, C, D))}, "the tombstones stay"


def _objects_of(place: Place, study: StudyKey) -> list[LandedObject]:
    before = place.warehouse.read_rows(LedgerEntry, LEDGER_PATH)
    return [
        LandedObject(key=e.key, bytes=e.bytes, etag=e.etag, kind=e.kind, patient=e.patient, study=e.study, report_names=[])
        for e in before
        if e.study == study.study
    ]


def test_nothing_is_pruned_while_nobody_knows_what_is_landed(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "landing", tmp_path)
    warehouse = Warehouse(open_store(settings.warehouse))
    with pytest.raises(ConfigurationError, match="inventory_job"):
        prune(warehouse, open_embedded(settings.index), instance_in_memory())


def test_a_study_is_gone_that_is_held_and_not_landed() -> None:
    assert removed_studies([D, A, B, D], {A, C}) == [B, D]


@pytest.mark.parametrize(
    ("waits", "spans", "claimed"),
    [
        ([], [], []),
        ([B], [], [B]),
        ([], [(A.partition, C.partition)], [A, B, C]),
        ([], [(C.partition, C.partition)], [C]),
        ([], [(D.partition, "p9/new")], [D]),
        ([], [("p9/new", "p9/newer")], []),
    ],
)
def test_what_waits_or_lies_in_an_unfinished_run_is_claimed(
    waits: list[StudyKey], spans: list[tuple[str, str]], claimed: list[StudyKey]
) -> None:
    assert InFlightWork(pending=waits, spans=spans, keys=KEYS).claimed(STUDIES) == claimed
