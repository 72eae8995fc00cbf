"""What is found before a release is built: the models of the embeddings, and a release that holds everything already."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from medsearch_core.errors import ConfigurationError
from medsearch_core.keys import StudyKey
from medsearch_core.search.model import Model
from medsearch_core.search.open import open_index
from medsearch_core.storage.open import open_store
from medsearch_core.storage.warehouse import study_path
from medsearch_pipeline.cli.commands import main
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.releases.preconditions import (
    check_configured_model,
    count_models,
    other_models_message,
    up_to_date_release,
)
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.studies.tags import retag
from tests.support.ingest import ingest, instance_in_memory, settings_in
from tests.support.landing import land_study
from tests.support.parquet_fixtures import (
    MODEL,
    OTHER_MODEL,
    fill_warehouse,
    home_settings,
    put_embeddings,
    put_report,
    put_study,
    record_configured_model,
    remove_study,
    study_key,
    warehouse_of,
)

OLD, NEW = Model("efficientnet", "1", 8), Model("chest-2026", "2", 8)


def test_a_release_of_another_model_than_the_configured_one_is_told_by_counts() -> None:
    none = other_models_message("chest-2026 2", ("chest-2026", "2"), {OLD: 16})
    assert none
    assert "16 of 16 studies are embedded with efficientnet 1 (8 dimensions)" in none
    assert "--any-model" in none
    part = other_models_message("chest-2026 2", ("chest-2026", "2"), {OLD: 9, NEW: 7})
    assert part
    assert "9 of 16 studies are embedded with efficientnet" in part
    assert "--any-model" not in part, "an index holds one model's vectors"
    assert other_models_message("new", None, {NEW: 16}), "one that never embedded is nobody's"


def test_nothing_is_told_where_every_image_is_of_the_configured_model_or_there_is_none() -> None:
    assert other_models_message("chest-2026 2", ("chest-2026", "2"), {NEW: 16}) is None
    assert other_models_message("chest-2026 2", None, {}) is None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = home_settings(tmp_path)
    fill_warehouse(found, 3)
    return found


def test_the_configured_model_is_known_by_the_note_of_the_run_that_loaded_it(settings: Settings) -> None:
    warehouse = warehouse_of(settings)
    counts = count_models(warehouse)
    assert counts == {Model(*MODEL, 8): 3}
    with pytest.raises(ConfigurationError, match="3 of 3 studies"):
        check_configured_model(settings, warehouse, counts)
    record_configured_model(settings)
    check_configured_model(settings, warehouse, counts)
    put_embeddings(warehouse, study_key(0), 2, OTHER_MODEL)
    with pytest.raises(ConfigurationError, match=r"1 of 3 studies .*net-imagenet bbbb"):
        check_configured_model(settings, warehouse, count_models(warehouse))


def test_a_release_is_up_to_date_only_while_it_holds_every_study_as_it_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_configured_model(settings)
    monkeypatch.setenv("MEDSEARCH_WAREHOUSE", settings.warehouse)
    monkeypatch.setenv("MEDSEARCH_INDEX", settings.index)
    warehouse, index = warehouse_of(settings), open_index(settings)
    assert up_to_date_release(warehouse, index) is None, "there is none"

    def rebuild() -> None:
        assert main(["reindex"]) == 0
        assert up_to_date_release(warehouse, index) == index.health().release

    rebuild()
    for change in (
        lambda: put_report(warehouse, study_key(1), "Cardiomegaly."),
        lambda: put_study(warehouse, study_key(5)),
        lambda: retag(warehouse, study_key(2), add=["teaching"]),
        lambda: remove_study(warehouse, study_key(5)),
    ):
        change()
        assert up_to_date_release(warehouse, index) is None
        rebuild()
    segment = next(Path(settings.index).glob(f"{index.current()}/*.segment"))
    segment.write_bytes(segment.read_bytes()[:-1])
    assert up_to_date_release(warehouse, open_index(settings)) is None, "a damaged one is replaced"
    rebuild()
    warehouse.store.delete(study_path("embeddings", study_key(1)))
    assert up_to_date_release(warehouse, index) is None, "a study that cannot be read is not as it is"


def test_after_a_change_of_weights_nothing_is_built_before_a_study_was_embedded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, study = settings_in(tmp_path / "landing", tmp_path), StudyKey("p10000001", "s50000001")
    land_study(open_store(settings.landing), study)
    instance = instance_in_memory()
    assert ingest(settings, instance).success
    for name in ("warehouse", "index", "model", "weights"):
        monkeypatch.setenv(f"MEDSEARCH_{name.upper()}", getattr(settings, name))
    assert main(["reindex"]) == 0
    assert "--fresh" in capsys.readouterr().out, "it is whole by the run"
    monkeypatch.setenv("MEDSEARCH_WEIGHTS", "random")
    assert main(["reindex"]) == 1
    assert "1 of 1 studies are embedded with efficientnet_lite0-imagenet" in capsys.readouterr().err
    job = build_definitions(settings.model_copy(update={"weights": "random"})).resolve_job_def("reembed_job")
    tags, selection = {"dagster/partition": study.partition}, [dg.AssetKey("embeddings")]
    assert job.execute_in_process(instance=instance, tags=tags, asset_selection=selection).success
    assert main(["reindex"]) == 0
    assert open_index(settings).health().model_id == "efficientnet_lite0-random"
