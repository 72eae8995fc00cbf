"""What `medsearch up` sets for its processes, and what it leaves as the user set it."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsearch_api.settings import Settings as ServiceSettings
from medsearch_core.process.environment import setting_names
from medsearch_pipeline.settings import Settings
from medsearch_pipeline.supervision.up_environment import starts_embedder, up_environment

HOME = Path("/data/home")


def test_everything_is_written_below_the_home_folder() -> None:
    environment = up_environment({}, HOME, "/data/landing", 3000, None)
    assert environment["DAGSTER_HOME"] == "/data/home/dagster"
    assert environment["MEDSEARCH_WAREHOUSE"] == "/data/home/warehouse"
    assert environment["MEDSEARCH_INDEX"] == "/data/home/index"
    assert environment["MEDSEARCH_LANDING"] == "/data/landing"


def test_what_the_user_set_stays_and_an_empty_variable_is_not_set() -> None:
    user = {
        "MEDSEARCH_WAREHOUSE": "s3://bucket/warehouse",
        "MEDSEARCH_INDEX": "",
        "MEDSEARCH_API_SIGN_IN": "oidc",
        "MEDSEARCH_API_PUBLIC_URL": "https://search.example.org",
        "DAGSTER_HOME": "/var/dagster",
        "DAGSTER_EVENT_BATCH_SIZE": "7",
        "PATH": "",
    }
    environment = up_environment(user, HOME, None, 3000, None)
    assert {name: environment[name] for name in user} == user | {"MEDSEARCH_INDEX": "/data/home/index"}
    assert environment["MEDSEARCH_API_URL"] == "https://search.example.org"
    assert "MEDSEARCH_LANDING" not in environment


def test_stores_are_named_so_that_they_are_found_from_any_folder() -> None:
    environment = up_environment({"MEDSEARCH_INDEX": "~/index"}, HOME, "landing", 3000, None)
    assert environment["MEDSEARCH_LANDING"] == str(Path.cwd() / "landing")
    assert environment["MEDSEARCH_INDEX"] == str(Path.home() / "index")
    assert up_environment({}, HOME, "s3://bucket/x", 3000, None)["MEDSEARCH_LANDING"] == "s3://bucket/x"


def test_arguments_go_before_variables() -> None:
    user = {"MEDSEARCH_LANDING": "/other", "MEDSEARCH_API_PORT": "8100"}
    environment = up_environment(user, HOME, "/data/landing", 3100, 8200)
    assert (environment["MEDSEARCH_LANDING"], environment["MEDSEARCH_API_PORT"]) == ("/data/landing", "8200")
    assert environment["MEDSEARCH_API_URL"] == "http://localhost:8200"
    assert environment["MEDSEARCH_DAGSTER_URL"] == "http://localhost:3100"


@pytest.mark.parametrize("given", [{}, {"MEDSEARCH_EMBEDDER_TOKEN": "x" * 40}, {"MEDSEARCH_API_EMBEDDER_TOKEN": "x" * 40}])
def test_service_and_embedder_share_a_token(given: dict[str, str]) -> None:
    environment = up_environment(given, HOME, None, 3000, None)
    token = environment["MEDSEARCH_EMBEDDER_TOKEN"]
    assert token == environment["MEDSEARCH_API_EMBEDDER_TOKEN"]
    assert len(token) >= 40
    assert token != up_environment({}, HOME, None, 3000, None)["MEDSEARCH_EMBEDDER_TOKEN"]


def test_it_sets_settings_alone_and_both_sides_accept_them(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = up_environment({}, HOME, "/data/landing", 3000, None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert {name for name in environment if name.startswith("MEDSEARCH_")} <= setting_names()
    assert Settings().embedder_token == ServiceSettings().api_embedder_token
    assert ServiceSettings().api_port == 8000


@pytest.mark.parametrize(
    ("url", "is_started"),
    [
        ("http://127.0.0.1:8001", True),
        ("http://localhost:8001", True),
        ("http://127.0.0.1:9", False),
        ("http://gpu:8001", False),
    ],
)
def test_an_embedder_that_runs_elsewhere_is_not_started(url: str, is_started: bool) -> None:
    assert starts_embedder(url, 8001) is is_started
