"""A model whose weights cannot be had: nothing is requested, a run fails before it decodes, and other settings mend it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.orchestration.partitions import NAME
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.sensors import ingest_sensor, upkeep_sensor
from tests.pipeline.sensors.test_ingest_sensor import A, B, Place
from tests.support.ingest import ingest, take_ledger
from tests.support.landing import land_study
from tests.support.no_network import refuse_downloads
from tests.support.sentences import figures

STUDY = StudyKey("p10000001", "s50000001")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """DenseNet121 without internet. A tick has all the time it takes to find that out."""
    refuse_downloads(monkeypatch, tmp_path)
    for sensor in (ingest_sensor, upkeep_sensor):
        monkeypatch.setattr(sensor, "MODEL_SECONDS", 600.0)
    return configured(Place(tmp_path), model="densenet121", model_cache=str(tmp_path / "models"))


def configured(place: Place, **settings: str) -> Place:
    """The same place, restarted with other settings."""
    place.settings = place.settings.model_copy(update=settings)
    place.repository = build_definitions(place.settings).get_repository_def()
    return place


def test_no_run_is_requested_without_the_model_and_the_tick_names_the_offline_choices(place: Place) -> None:
    place.notice(A, B)
    for _ in range(2):
        assert list(place.tick()) == []
        assert place.told.startswith("waiting for the model: 2 studies;")
        for choice in ("MEDSEARCH_MODEL=efficientnet_lite0", "MEDSEARCH_WEIGHTS", "random"):
            assert choice in place.told
    assert list(place.instance.get_runs()) == []
    assert place.waits() == [A, B]
    configured(place, model="efficientnet_lite0")
    assert place.spans(place.tick()) == [("p1/s1", "p1/s2", "2")]


def test_a_tick_does_not_wait_for_a_download(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_sensor, "MODEL_SECONDS", 0.0)
    place.notice(A)
    assert list(place.tick()) == []
    assert figures(place.told) == [1], "one study waits for the model"
    assert place.waits() == [A]


def test_a_failed_run_is_named_and_its_studies_are_run_again_when_the_settings_change(place: Place) -> None:
    land_study(open_store(place.settings.landing), STUDY)
    defs = build_definitions(place.settings)
    assert defs.resolve_job_def("inventory_job").execute_in_process(instance=place.instance).success
    assert place.instance.get_dynamic_partitions(NAME) == [STUDY.partition]
    failed = defs.resolve_job_def("ingest_job").execute_in_process(
        instance=place.instance, partition_key=STUDY.partition, raise_on_error=False
    )
    assert not failed.success
    assert not list(place.warehouse.store.list("dicom_metadata")), "it failed before it decoded"
    assert not list(place.warehouse.store.list("reports"))

    assert list(place.tick()) == []
    assert f"in the failed run {failed.run_id} " in place.told
    assert "could not be downloaded" in place.told
    assert list(place.tick()) == []

    configured(place, model="efficientnet_lite0")
    requests = place.tick()
    assert place.spans(requests) == [(STUDY.partition, STUDY.partition, "1")]
    place.launch(*requests)
    assert list(place.tick()) == []
    assert failed.run_id not in place.told
    assert place.waits() == []


def test_upkeep_requests_nothing_that_needs_the_model_either(place: Place) -> None:
    land_study(open_store(place.settings.landing), STUDY)
    good = place.settings.model_copy(update={"model": "efficientnet_lite0"})
    assert ingest(good, place.instance).success
    assert take_ledger(place.settings, place.instance).success

    def tick() -> SensorExecutionData:
        context = dg.build_sensor_context(instance=place.instance, resources=build_resources(place.settings))
        return build_definitions(place.settings).resolve_sensor_def("upkeep_sensor").evaluate_tick(context)

    done = tick()
    assert not done.run_requests
    assert "MEDSEARCH_WEIGHTS" in str(done.skip_message)
    assert done.cursor is None, "the ledger is not dealt with"
    configured(place, weights="random")
    assert take_ledger(place.settings, place.instance).success
    assert [request.job_name for request in tick().run_requests or []] == ["reembed_job"]
