"""What `medsearch check` finds: each fault of a deployment by its level and its setting."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from medsearch_core.search.open import open_index
from medsearch_core.storage.open import open_store
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT
from medsearch_pipeline.readiness.dagster_instance import check_dagster, check_dagster_version
from medsearch_pipeline.readiness.finding import Finding
from medsearch_pipeline.readiness.index import check_index
from medsearch_pipeline.readiness.machine import GIB, check_disk, check_versions, disk_finding, memory_finding
from medsearch_pipeline.readiness.run import BEFORE_START, CHECKS, blocks, run_checks
from medsearch_pipeline.readiness.service import check_embedder, check_sign_in
from medsearch_pipeline.readiness.stores import PROBE_FOLDER, check_landing, check_warehouse
from medsearch_pipeline.settings import Settings
from tests.support.ingest import settings_in
from tests.support.paths import PROJECT_ROOT
from tests.support.serving import free_port, serving


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path / "landing", tmp_path)


def brief(finding: Finding) -> tuple[str, str | None]:
    """Level and setting; every fault has to say what to do."""
    assert finding.level == "ok" or finding.advice
    return finding.level, finding.setting


def test_a_landing_store_is_missing_empty_or_readable(settings: Settings) -> None:
    assert brief(check_landing(settings)) == ("problem", "MEDSEARCH_LANDING")
    Path(settings.landing).mkdir()
    assert brief(check_landing(settings)) == ("warning", "MEDSEARCH_LANDING")
    open_store(settings.landing).write("a.dcm", b"x")
    assert check_landing(settings).level == "ok"


def test_a_warehouse_that_can_be_written_is_left_as_it_was(settings: Settings, tmp_path: Path) -> None:
    assert check_warehouse(settings).level == "ok"
    assert list(open_store(settings.warehouse).list(PROBE_FOLDER)) == []
    (tmp_path / "file").write_text("")
    elsewhere = settings.model_copy(update={"warehouse": str(tmp_path / "file" / "warehouse")})
    assert brief(check_warehouse(elsewhere)) == ("problem", "MEDSEARCH_WAREHOUSE")


def test_an_index_is_absent_unreachable_or_of_another_form(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_index(settings).level == "ok"
    index = open_index(settings)
    index.publish(index.begin(None))
    assert check_index(settings).level == "ok"
    for version, level in ((0, "problem"), (99, "warning")):
        monkeypatch.setattr("medsearch_pipeline.readiness.index.INDEX_SCHEMA_VERSION", version)
        found = check_index(settings)
        assert brief(found) == (level, "MEDSEARCH_INDEX")
        assert "medsearch reindex" in str(found.advice)
    nowhere = f"http://127.0.0.1:{free_port()}"
    found = check_index(settings.model_copy(update={"index": nowhere}))
    assert (brief(found), found.value) == (("problem", "MEDSEARCH_INDEX"), nowhere)


@pytest.mark.parametrize(
    ("environment", "level", "setting"),
    [
        ({}, "warning", "MEDSEARCH_API_SIGN_IN"),
        ({"MEDSEARCH_API_SIGN_IN": "none"}, "problem", "MEDSEARCH_API_SIGN_IN"),
        ({"MEDSEARCH_API_SIGN_IN": "development"}, "ok", "MEDSEARCH_API_SIGN_IN"),
        ({"MEDSEARCH_API_SIGN_IN": "development", "MEDSEARCH_API_HOST": "0.0.0.0"}, "problem", "MEDSEARCH_API_HOST"),
        ({"MEDSEARCH_API_SIGN_IN": "oidc"}, "problem", "MEDSEARCH_API_SIGN_IN"),
    ],
)
def test_sign_in_is_judged_by_the_environment(environment: Mapping[str, str], level: str, setting: str) -> None:
    assert brief(check_sign_in(environment)) == (level, setting)


def issuer_app(named: str) -> Starlette:
    def discovery(request: Request) -> Response:
        return JSONResponse({"issuer": named or str(request.base_url).rstrip("/")})

    return Starlette(routes=[Route("/.well-known/openid-configuration", discovery)])


@pytest.mark.parametrize(("named", "level"), [("", "ok"), ("https://other.example.org", "problem")])
def test_an_issuer_has_to_name_itself(named: str, level: str) -> None:
    with serving(issuer_app(named)) as url:
        assert check_sign_in(oidc_environment(url)).level == level
    assert brief(check_sign_in(oidc_environment(url))) == ("problem", "MEDSEARCH_API_OIDC_ISSUER")


def oidc_environment(issuer: str) -> dict[str, str]:
    return {
        "MEDSEARCH_API_SIGN_IN": "oidc",
        "MEDSEARCH_API_OIDC_ISSUER": issuer,
        "MEDSEARCH_API_OIDC_CLIENT_ID": "medsearch",
        "MEDSEARCH_API_OIDC_ROLES_CLAIM": "groups",
        "MEDSEARCH_API_PUBLIC_URL": "https://search.example.org",
    }


def test_an_embedder_is_unused_silent_refusing_or_there() -> None:
    def model(request: Request) -> Response:
        return Response(status_code=200 if request.headers.get("authorization") == "Bearer right" else 401)

    assert check_embedder({}).level == "ok"
    with serving(Starlette(routes=[Route("/model", model)])) as url:
        asked = {"MEDSEARCH_API_EMBEDDER_URL": url}
        assert check_embedder(asked | {"MEDSEARCH_API_EMBEDDER_TOKEN": "right"}).level == "ok"
        found = check_embedder(asked | {"MEDSEARCH_API_EMBEDDER_TOKEN": "wrong"})
        assert brief(found) == ("problem", "MEDSEARCH_API_EMBEDDER_TOKEN")
        assert "wrong" not in repr(found)
    assert brief(check_embedder(asked)) == ("warning", "MEDSEARCH_API_EMBEDDER_URL")


def test_dagsters_home_storage_and_daemon_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for unfit, level in (("", "warning"), ("relative", "problem"), (str(tmp_path / "none"), "problem")):
        (found,) = check_dagster({"DAGSTER_HOME": unfit})
        assert brief(found) == (level, "DAGSTER_HOME")
    home = tmp_path / "dagster"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    environment = {"DAGSTER_HOME": str(home)}
    levels = {finding.check: finding.level for finding in check_dagster(environment)}
    assert levels == {
        "dagster.yaml": "warning",
        "dagster storage": "ok",
        "dagster daemon": "warning",
        "dagster environment": "warning",
    }

    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", home / "dagster.yaml")
    levels = {finding.check: finding.level for finding in check_dagster(environment | ENVIRONMENT)}
    assert levels == {"dagster.yaml": "ok", "dagster storage": "ok", "dagster daemon": "warning"}
    (home / "dagster.yaml").write_text("storage: {custom: {module: no.such.module, class: X}}")
    levels = {finding.check: finding.level for finding in check_dagster(environment)}
    assert levels["dagster storage"] == "problem"
    assert check_dagster_version().level == "ok"


def test_disk_and_memory_are_judged_by_what_is_free() -> None:
    assert [disk_finding("MEDSEARCH_INDEX", "/x", n).level for n in (0, GIB, 100 * GIB)] == ["problem", "warning", "ok"]
    assert [memory_finding(n * GIB, workers=4).level for n in (1, 3, 4)] == ["warning", "warning", "ok"]


def test_a_place_where_no_folder_can_be_is_not_called_full(settings: Settings) -> None:
    (finding,) = check_disk(settings.model_copy(update={"warehouse": "/proc/foo/warehouse"}), {})[:1]
    assert brief(finding) == ("problem", "MEDSEARCH_WAREHOUSE")
    assert "GiB" not in finding.message


def test_places_that_are_no_folders_have_no_disk(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"warehouse": "s3://bucket", "index": "https://host", "model_cache": str(tmp_path)})
    assert all(finding.setting in (None, "MEDSEARCH_MODEL_CACHE") for finding in check_disk(elsewhere, {}))


def test_packages_that_are_missing_are_named(settings: Settings) -> None:
    (found,) = check_versions(settings, {"pydicom": "3", "torch": "2"}.get)
    assert found.level == "problem"
    assert "imagecodecs" in found.message
    assert "pydicom" not in found.message
    (found,) = check_versions(settings)
    assert found.level == "ok"


def test_all_checks_are_run_and_those_before_the_start_need_no_dagster(settings: Settings) -> None:
    open_store(settings.landing).write("a.dcm", b"x")
    asked: list[str] = []
    found = run_checks(settings, {"MEDSEARCH_API_SIGN_IN": "development"}, BEFORE_START, asked.append)
    assert asked == list(BEFORE_START)
    assert set(BEFORE_START) < set(CHECKS)
    assert not blocks(found)
    found = run_checks(settings, {"DAGSTER_HOME": "relative"})
    assert [finding.check for finding in found if finding.level == "problem"] == ["dagster home"]
    assert blocks(found)
