"""What Dagster shows as stale, and what `upkeep_sensor` requests, through real runs over more than a hundred studies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.plan import execute_step
from dagster._core.test_utils import in_process_test_workspace
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_graphql.test.utils import execute_dagster_graphql

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.search.embedded.index import open_embedded
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import Warehouse, study_path
from medsearch_pipeline.cli.commands import main
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.jobs import STUDY_ASSETS
from medsearch_pipeline.orchestration import data_versions as study_versions
from medsearch_pipeline.releases.build import reindex
from medsearch_pipeline.resources import build_resources
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.upkeep.staleness import INDEX_MODEL, OTHER_MODEL
from tests.pipeline.test_definitions import Silent
from tests.support.ingest import ingest, local_instance, settings_in, take_ledger
from tests.support.landing import folder_of, image_bytes, land_study, sop_instance_uid
from tests.support.sentences import figures

STUDIES = [StudyKey("p10000001", f"s5{n:07d}") for n in range(101)]
IMAGED = STUDIES[:2]
UP_TO_DATE = [len(STUDIES)]
SHOWN = [STUDIES[0], STUDIES[1], STUDIES[-1]]
STALE = """
query ($assets: [AssetKeyInput!]!, $partitions: [String!]!) {
  assetNodes(assetKeys: $assets) {
    assetKey { path }
    staleStatusByPartition(partitions: $partitions)
    staleCausesByPartition(partitions: $partitions) { category reason key { path } }
  }
}
"""


class Place:
    """A deployment in a folder, with its code location as the webserver has it."""

    def __init__(self, home: Path) -> None:
        self.home, self.settings = home, settings_in(home / "landing", home)
        self.instance = local_instance(home / "dagster")
        self.warehouse = Warehouse(open_store(self.settings.warehouse))
        self.cursor: str | None = None

    def shown(self, studies: Sequence[StudyKey] = SHOWN) -> dict[str, list[str]]:
        """Asset → what Dagster's UI shows of each study: its status, and after it the causes."""
        file = self.home / f"location_{self.settings.weights}.py"  # a process reads a file of definitions once
        named = {name: getattr(self.settings, name) for name in ("landing", "warehouse", "index", "model", "weights")}
        file.write_text(
            "from medsearch_pipeline.code_location import build_definitions\n"
            "from medsearch_pipeline.settings import Settings\n"
            f"defs = build_definitions(Settings(**{named!r}))\n"
        )
        with in_process_test_workspace(self.instance, LoadableTargetOrigin(python_file=str(file))) as workspace:
            variables = {"assets": [{"path": [a]} for a in STUDY_ASSETS], "partitions": [s.partition for s in studies]}
            answer = execute_dagster_graphql(workspace, STALE, variables)
        assert answer.errors is None, answer.errors
        return {
            node["assetKey"]["path"][0]: [
                " ".join([status, *(f"({c['category']}: {c['key']['path'][0]} {c['reason']})" for c in causes)])
                for status, causes in zip(node["staleStatusByPartition"], node["staleCausesByPartition"], strict=True)
            ]
            for node in answer.data["assetNodes"]
        }

    def run(self, job: str, start: StudyKey, end: StudyKey, assets: Sequence[str] | None = None) -> str:
        tags = {
            "dagster/asset_partition_range_start": start.partition,
            "dagster/asset_partition_range_end": end.partition,
        }
        definition = build_definitions(self.settings).resolve_job_def(job)
        selection = [dg.AssetKey(asset) for asset in assets] if assets else None
        result = definition.execute_in_process(instance=self.instance, tags=tags, asset_selection=selection)
        assert result.success
        return result.run_id

    def tick(self) -> Any:
        """One evaluation of the sensor with the cursor of the last."""
        defs = build_definitions(self.settings)
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources=build_resources(self.settings))
        done = defs.resolve_sensor_def("upkeep_sensor").evaluate_tick(context)
        self.cursor = done.cursor or self.cursor
        return done

    def launch(self, requests: Sequence[Any]) -> None:
        """Runs what was requested, as the daemon would."""
        keys = {study.partition: study for study in STUDIES}
        for request in requests:
            tags = request.tags
            start, end = (keys[tags[f"dagster/asset_partition_range_{end}"]] for end in ("start", "end"))
            self.run(request.job_name, start, end, [key.to_user_string() for key in request.asset_selection])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A hundred and one studies, two of them with an image, ingested in one run. The tests are one story, in their order."""
    place = Place(tmp_path_factory.mktemp("upkeep"))
    landing = open_store(place.settings.landing)
    for study in STUDIES:
        land_study(landing, study, images=1 if study in IMAGED else 0, report="IMPRESSION: No pneumothorax.")
    patched = pytest.MonkeyPatch()
    patched.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    assert ingest(place.settings, place.instance).success
    yield place
    patched.undo()


def test_every_study_has_the_version_of_its_own_table_and_names_those_it_was_made_from(place: Place) -> None:
    made: dict[str, dict[str | None, Mapping[str, str]]] = {}
    for asset in STUDY_ASSETS:
        events = place.instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
        made[asset] = {e.partition_key: e.asset_materialization.tags or {} for e in events if e.asset_materialization}
        assert set(made[asset]) == {study.partition for study in STUDIES}
        assert len(events) == len(STUDIES), "no event is doubled"
    for study in STUDIES:
        versions = {asset: made[asset][study.partition]["dagster/data_version"] for asset in STUDY_ASSETS}
        index = open_embedded(place.settings.index).studies()
        origins = {asset: place.warehouse.origin(study_path(asset, study)) for asset in STUDY_ASSETS if asset != "search_index"}
        tables = {asset: origin and origin.digest for asset, origin in origins.items()}
        assert versions == tables | {"search_index": index[study]}
        told = {
            asset: {
                name.removeprefix("dagster/input_data_version/"): value
                for name, value in made[asset][study.partition].items()
                if name.startswith("dagster/input_data_version/")
            }
            for asset in STUDY_ASSETS
        }
        assert told == {
            "dicom_metadata": {"inventory": "landing"},
            "thumbnails": {"inventory": "landing"},
            "report_entities": {"inventory": "landing"},
            "embeddings": {"thumbnails": versions["thumbnails"]},
            "search_index": {name: versions[name] for name in ("dicom_metadata", "embeddings", "report_entities")},
        }


def test_what_was_ingested_is_fresh_and_upkeep_requests_nothing(place: Place) -> None:
    assert place.shown() == {asset: ["FRESH"] * 3 for asset in STUDY_ASSETS}
    assert "ledger_job" in place.tick().skip_message
    assert take_ledger(place.settings, place.instance).success
    done = place.tick()
    assert (figures(done.skip_message), done.run_requests) == (UP_TO_DATE, [])
    assert not place.tick().run_requests


def test_a_study_whose_images_were_read_anew_is_stale_downstream_until_it_is_materialised(place: Place) -> None:
    study = IMAGED[0]
    key = f"{folder_of(study)}/{sop_instance_uid(study, 1)}.dcm"
    open_store(place.settings.landing).write(key, image_bytes(study, 7, SOPInstanceUID=sop_instance_uid(study, 1)))
    inventory = build_definitions(place.settings).resolve_job_def("inventory_job")
    assert inventory.execute_in_process(instance=place.instance).success
    assert place.shown() == {asset: ["FRESH"] * 3 for asset in STUDY_ASSETS}, "another inventory makes no study stale"
    assert take_ledger(place.settings, place.instance).success
    done = place.tick()
    assert [(r.job_name, r.tags["dagster/asset_partition_range_start"]) for r in done.run_requests] == [
        ("ingest_job", study.partition)
    ]
    place.run("ingest_job", study, study, ["dicom_metadata", "thumbnails"])
    shown = place.shown()
    assert [of[1:] for of in shown.values()] == [["FRESH"] * 2] * 5
    assert {asset: of[0] for asset, of in shown.items()} == {
        "dicom_metadata": "FRESH",
        "thumbnails": "FRESH",
        "report_entities": "FRESH",
        "embeddings": "STALE (DATA: thumbnails has a new data version)",
        "search_index": "STALE (DATA: dicom_metadata has a new data version)",
    }
    place.run("reembed_job", study, study)
    assert place.shown() == {asset: ["FRESH"] * 3 for asset in STUDY_ASSETS}


def test_another_model_makes_vectors_stale_and_upkeep_mends_exactly_those(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.settings = place.settings.model_copy(update={"weights": "random"})
    shown = place.shown()
    assert shown.pop("embeddings") == ["STALE (CODE: embeddings has a new code version)"] * 3
    assert shown == {asset: ["FRESH"] * 3 for asset in shown}
    assert take_ledger(place.settings, place.instance).success
    for name in ("landing", "warehouse", "index", "model", "weights"):
        monkeypatch.setenv(f"MEDSEARCH_{name.upper()}", getattr(place.settings, name))
    assert main(["stale", "--studies"]) == 1
    said = capsys.readouterr().out
    assert figures(said)[:2] == [len(STUDIES)] * 2
    assert f"{STUDIES[7]}: vectors: {OTHER_MODEL}: reembed_job" in said

    done = place.tick()
    (request,) = done.run_requests
    assert (request.job_name, request.tags["medsearch/studies"]) == ("reembed_job", str(len(STUDIES)))
    assert [key.to_user_string() for key in request.asset_selection] == ["embeddings"], "the index would refuse another model"
    assert not place.tick().run_requests, "what was requested is not requested again before the next ledger"
    place.launch(done.run_requests)
    assert take_ledger(place.settings, place.instance).success
    done = place.tick()
    assert done.run_requests == []
    assert f"2 documents: {INDEX_MODEL}" in done.skip_message
    assert "medsearch reindex" in done.skip_message

    reindex(place.warehouse, open_embedded(place.settings.index), Silent())
    assert take_ledger(place.settings, place.instance).success
    assert figures(place.tick().skip_message) == UP_TO_DATE
    assert main(["stale"]) == 0
    shown = place.shown()
    assert shown.pop("search_index") == ["STALE (DATA: embeddings has a new data version)"] * 3, (
        "a release is no materialisation"
    )
    assert shown == {asset: ["FRESH"] * 3 for asset in shown}
    place.run("reindex_job", STUDIES[0], STUDIES[-1])
    assert place.shown() == {asset: ["FRESH"] * 3 for asset in STUDY_ASSETS}


def test_studies_that_the_index_lost_are_requested_few_runs_at_a_time_and_never_beside_a_run(place: Place) -> None:
    place.settings = place.settings.model_copy(update={"max_runs_in_flight": 1, "max_partitions_per_run": 1})
    open_embedded(place.settings.index).delete([STUDIES[3], STUDIES[5], STUDIES[9]])
    working = place.instance.create_run_for_job(
        build_definitions(place.settings).resolve_job_def("ingest_job"),
        tags={"dagster/asset_partition_range_start": str(STUDIES[4]), "dagster/asset_partition_range_end": str(STUDIES[6])},
        status=dg.DagsterRunStatus.STARTED,
    )
    assert take_ledger(place.settings, place.instance).success
    requested = []
    for _ in range(2):
        done = place.tick()
        requested += [(r.job_name, r.tags["dagster/asset_partition_range_start"]) for r in done.run_requests]
        place.launch(done.run_requests)
    assert requested == [("reindex_job", STUDIES[3].partition), ("reindex_job", STUDIES[9].partition)]
    assert json.loads(place.cursor or "")["done"]
    assert set(STUDIES) - set(open_embedded(place.settings.index).studies()) == {STUDIES[5]}
    place.instance.delete_run(working.run_id)
    assert take_ledger(place.settings, place.instance).success
    place.launch(place.tick().run_requests)
    assert set(STUDIES) == set(open_embedded(place.settings.index).studies()), "what was left out comes back at the next ledger"


def test_a_dagster_that_makes_its_events_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def other(asset_key: Any, output: Any) -> None:
        raise AssertionError("is not called")

    monkeypatch.setattr(execute_step, study_versions.NAME, other)
    with pytest.raises(ConfigurationError, match=r"constraints\.txt"):
        build_definitions(Settings(landing=str(tmp_path)))
