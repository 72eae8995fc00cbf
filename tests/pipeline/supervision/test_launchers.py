"""Which launcher is chosen: the webserver of the same Dagster home over real HTTP, or a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.intake.study_runs import StudyRun
from medsearch_pipeline.orchestration.run_progress import progress_message, read_progress
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.dagster_client import DagsterClient
from medsearch_pipeline.supervision.ingestion import runs_over
from medsearch_pipeline.supervision.launchers import ProcessLauncher, WebserverLauncher, choose_launcher
from tests.support.ingest import settings_in
from tests.support.paths import PROJECT_ROOT
from tests.support.serving import free_port, serving


def dagster_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    folder.mkdir()
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", folder / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    yield from dagster_home(tmp_path / "dagster", monkeypatch)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "landing", tmp_path).model_copy(update={"dagster_url": f"http://127.0.0.1:{free_port()}"})


@pytest.fixture
def webserver(instance: dg.DagsterInstance, settings: Settings, tmp_path: Path) -> Iterator[str]:
    """Dagster's webserver of the same home, with an instance and a code location of its own."""
    named = {name: getattr(settings, name) for name in ("landing", "warehouse", "index", "model", "weights")}
    file = tmp_path / "location.py"
    file.write_text(
        "from medsearch_pipeline.code_location import build_definitions\n"
        "from medsearch_pipeline.settings import Settings\n"
        f"defs = build_definitions(Settings(**{named!r}))\n"
    )
    target = PythonFileTarget(str(file), attribute=None, working_directory=None, location_name="medsearch")
    with dg.DagsterInstance.get() as own, WorkspaceProcessContext(own, target) as context:
        app = create_app_from_workspace_process_context(context)
        with serving(app) as url:
            yield url


def test_a_webserver_of_the_same_home_queues_the_run(instance: dg.DagsterInstance, settings: Settings, webserver: str) -> None:
    launcher = choose_launcher(settings.model_copy(update={"dagster_url": webserver}), instance)
    assert isinstance(launcher, WebserverLauncher)
    run = instance.get_run_by_id(launcher.launch("inventory_job", {"medsearch/studies": "7"}))
    assert run is not None
    assert (run.job_name, run.status, run.tags["medsearch/studies"]) == ("inventory_job", DagsterRunStatus.QUEUED, "7")


def test_a_webserver_that_has_started_runs_before_is_still_the_one_of_its_home(
    instance: dg.DagsterInstance, settings: Settings, webserver: str
) -> None:
    DagsterClient(webserver).launch_run("inventory_job")
    launcher = choose_launcher(settings.model_copy(update={"dagster_url": webserver}), instance)
    assert isinstance(launcher, WebserverLauncher)


def test_the_webserver_of_another_home_is_not_used(
    settings: Settings, webserver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in dagster_home(tmp_path / "other", monkeypatch):
        launcher = choose_launcher(settings.model_copy(update={"dagster_url": webserver}), other)
        assert isinstance(launcher, ProcessLauncher)


def test_without_a_webserver_steps_on_ecs_cannot_be_started(instance: dg.DagsterInstance, settings: Settings) -> None:
    assert isinstance(choose_launcher(settings, instance), ProcessLauncher)
    with pytest.raises(ConfigurationError, match="MEDSEARCH_DAGSTER_URL"):
        choose_launcher(settings.model_copy(update={"executor": "ecs"}), instance)


def test_runs_that_share_a_partition_are_found() -> None:
    keys = ["a", "b", "c", "d"]
    spans = {"1": ("a", "b"), "2": ("c", "d"), "3": ("b", "c"), "4": ("gone", "gone")}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    runs = [StudyRun(name, "ingest_job", DagsterRunStatus.STARTED, *span, now) for name, span in spans.items()]
    assert [run.id for run in runs_over(runs, keys, {"a"})] == ["1"]
    assert [run.id for run in runs_over(runs, keys, {"c", "unknown"})] == ["2", "3"]


def test_a_step_s_progress_is_read_as_it_is_logged() -> None:
    assert read_progress(progress_message("dicom_images", 129, 178, 8.73)) == ("dicom_images", 129, 178)
    assert read_progress("dicom_images: 178 studies to process") is None
