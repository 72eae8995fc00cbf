"""Studies whose metadata was written before a column was added: through real runs, from `medsearch stale` to the index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from medsearch_core.columns import FIRST_VERSION, version_of
from medsearch_core.keys import StudyKey
from medsearch_core.records import ImageRecord
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.cli.commands import main
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.settings import Settings
from tests.support.ingest import ingest, instance_in_memory, settings_in, take_ledger
from tests.support.landing import folder_of, image_bytes, sop_instance_uid
from tests.support.older_version import make_older

OLD, NEW = StudyKey("p10000001", "s50000001"), StudyKey("p10000001", "s50000002")


class Place:
    """Two studies with an image each, ingested and indexed; one of them by the first version of the metadata."""

    def __init__(self, home: Path) -> None:
        self.settings: Settings = settings_in(home / "landing", home)
        self.instance = instance_in_memory()
        self.warehouse = Warehouse(open_store(self.settings.warehouse))
        landing = open_store(self.settings.landing)
        for study in (OLD, NEW):
            data = image_bytes(study, DistanceSourceToDetector="1800")
            landing.write(f"{folder_of(study)}/{sop_instance_uid(study)}.dcm", data)
        assert ingest(self.settings, self.instance).success
        make_older(self.warehouse, study_path("dicom_metadata", OLD))
        self.run("reindex_job", ["search_index"])
        assert take_ledger(self.settings, self.instance).success

    def run(self, job: str, assets: list[str]) -> dg.ExecuteInProcessResult:
        tags = {f"dagster/asset_partition_range_{end}": OLD.partition for end in ("start", "end")}
        definition = build_definitions(self.settings).resolve_job_def(job)
        result = definition.execute_in_process(
            instance=self.instance, tags=tags, asset_selection=[dg.AssetKey(asset) for asset in assets]
        )
        assert result.success
        return result

    def tick(self) -> Any:
        sensor = build_definitions(self.settings).resolve_sensor_def("upkeep_sensor")
        context = dg.build_sensor_context(instance=self.instance, resources=build_resources(self.settings))
        return sensor.evaluate_tick(context)

    def stale(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
        for name in ("landing", "warehouse", "index", "model", "weights"):
            monkeypatch.setenv(f"MEDSEARCH_{name.upper()}", getattr(self.settings, name))
        capsys.readouterr()
        return main(["stale", "--studies"]), capsys.readouterr().out

    def files(self) -> dict[str, str]:
        return {o.key: o.etag for o in self.warehouse.store.list() if not o.key.startswith(("catalogue", "ledger"))}


def test_old_metadata_is_refreshed_by_the_smallest_job_and_nothing_is_decoded_or_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    index = open_embedded(place.settings.index)
    health, held = index.health(), index.studies()
    assert health.images == 2, "a study with old metadata stays searchable"
    code, told = place.stale(monkeypatch, capsys)
    assert code == 1
    assert f"{OLD}: metadata: of an older version: metadata_job" in told
    assert str(NEW) not in told
    (request,) = place.tick().run_requests
    assert (request.job_name, request.tags["dagster/asset_partition_range_start"]) == ("metadata_job", OLD.partition)
    before = place.files()

    result = place.run("metadata_job", [key.to_user_string() for key in request.asset_selection])
    described = {
        event.asset_key.to_user_string(): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert described["dicom_metadata"].items() >= {"images": 1, "refreshed": 1, "unchanged": 0}.items()
    assert described["thumbnails"]["unchanged"] == 1

    after, path = place.files(), study_path("dicom_metadata", OLD)
    assert {key for key in before | after if before.get(key) != after.get(key)} == {path}
    (row,) = place.warehouse.read_rows(ImageRecord, path)
    assert row.distance_source_to_detector_mm == 1800.0
    origin = place.warehouse.origin(path)
    assert origin
    assert origin.version == version_of(ImageRecord) > FIRST_VERSION
    now = index.studies()
    assert (now[OLD] != held[OLD], now[NEW] == held[NEW]) == (True, True)
    assert take_ledger(place.settings, place.instance).success
    assert place.stale(monkeypatch, capsys)[0] == 0
    assert place.tick().run_requests == []
