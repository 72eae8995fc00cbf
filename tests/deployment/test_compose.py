"""What can be read off docker/compose.yaml about the whole system: who may do what, who reaches whom, what is waited for."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import yaml

from medsearch_api.settings import Settings as ApiSettings
from medsearch_pipeline.settings import Settings as PipelineSettings
from tests.deployment.compose import FOLDER, GIVEN, ROOT, SECRETS, Refused, composed
from tests.deployment.dockerfiles import only

ONCE = {"certificates", "folders", "buckets", "deliver"}
OURS = {"buckets", "code", "webserver", "daemon", "embedder", "api", "deliver"}
IMAGES = {"medsearch-api": "api", "medsearch-pipeline": "pipeline", "medsearch-gpu": "gpu"}


@pytest.fixture(scope="module")
def system() -> dict[str, Any]:
    return composed(GIVEN)


@pytest.fixture(scope="module")
def services(system: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = system["services"]
    return found


@pytest.mark.parametrize("missing", SECRETS)
def test_it_does_not_start_without_a_secret(missing: str) -> None:
    with pytest.raises(Refused, match=missing):
        composed({name: value for name, value in GIVEN.items() if name != missing})


def test_secrets_are_made_once_and_for_this_machines_user_alone(tmp_path: Path) -> None:
    for name in ("environment.sh", ".env.example"):
        copy(FOLDER / name, tmp_path)
    subprocess.run(["sh", tmp_path / "environment.sh"], check=True, capture_output=True)
    made = tmp_path / ".env"
    values = dict(line.split("=", 1) for line in made.read_text().splitlines() if line and not line.startswith("#"))
    assert oct(made.stat().st_mode & 0o777) == "0o600"
    secrets = {name: value for name, value in values.items() if name in SECRETS}
    assert sorted(secrets) == sorted(SECRETS)
    assert all(re.fullmatch("[0-9a-f]{48}", value) for value in secrets.values())
    assert len(set(secrets.values())) == len(SECRETS)
    assert composed(values)["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"] == values["DAGSTER_POSTGRES_PASSWORD"]
    again = subprocess.run(["sh", tmp_path / "environment.sh"], check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert "is kept" in again.stderr
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_variable_that_matters_is_in_the_example(system: dict[str, Any]) -> None:
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"\$\{(MEDSEARCH_API_\w+|MEDSEARCH_DAGSTER_URL|MEDSEARCH_MODEL|MEDSEARCH_WEIGHTS)", text)) | set(
        SECRETS
    )
    example = (FOLDER / ".env.example").read_text(encoding="utf-8")
    assert named == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_none_has_more_rights_than_it_needs(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
        assert service.get("read_only") or name in ("opensearch", "certificates"), name
        assert service["mem_limit"], name
    assert {name: service["cap_add"] for name, service in services.items() if "cap_add" in service} == {
        "certificates": ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
        "folders": ["CHOWN"],
    }
    roots = {name for name, service in services.items() if str(service.get("user", "10001")).startswith("0")}
    assert roots == {"certificates", "folders"}
    assert all(services[name]["network_mode"] == "none" for name in roots)


def test_only_the_page_and_dagsters_ui_are_published_and_on_this_machine_alone(system: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in system["services"].items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:3000:3000"], "api": ["127.0.0.1:8000:8000"]}
    assert system["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in system["services"].items() if "outside" in service.get("networks", ())}
    assert outside == {"code", "webserver", "embedder", "api"}  # weights, alerts, and the issuer are out there


def test_images_are_ours_or_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        image, _, tag = service["image"].rpartition(":")
        assert re.search(r"\d+\.\d+", tag), name
        assert (image in IMAGES) is (name in OURS), name
        if name in OURS:
            assert service["build"]["dockerfile"] == f"docker/{IMAGES[image]}.Dockerfile"
            assert (FOLDER / service["build"]["context"]).resolve() == ROOT


def test_what_runs_is_asked_how_it_is_and_waited_for(services: dict[str, Any]) -> None:
    for name, service in services.items():
        of_the_image = name in OURS - ONCE and "healthcheck" not in service
        assert of_the_image or "test" in service.get("healthcheck", {}) or name in ONCE, name
        assert service.get("restart", "no") == ("no" if name in ONCE else "unless-stopped"), name
        for other, how in service.get("depends_on", {}).items():
            ends = other in ONCE
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy"), (name, other)
    assert set(services["code"]["depends_on"]) == {"postgres", "opensearch", "buckets"}
    assert set(services["daemon"]["depends_on"]) == set(services["webserver"]["depends_on"]) == {"code"}


@pytest.mark.parametrize("name", ["code", "embedder", "api", "webserver", "daemon"])
def test_what_it_is_told_are_settings_that_there_are(services: dict[str, Any], name: str) -> None:
    settings = ApiSettings if name == "api" else PipelineSettings
    known = {f"MEDSEARCH_{field.upper()}" for field in settings.model_fields} | {"MEDSEARCH_CODE_HOST"}
    told = {variable for variable in services[name]["environment"] if variable.startswith("MEDSEARCH_")}
    assert told
    assert told <= known


def test_dagsters_ui_is_guarded_and_answers_to_its_public_name() -> None:
    given = {**GIVEN, "MEDSEARCH_DAGSTER_URL": "https://dagster.example.org", "MEDSEARCH_WEBSERVER_HOSTS": "ui.example.org"}
    webserver = composed(given)["services"]["webserver"]
    assert "command" not in webserver  # the image's own
    told = webserver["environment"]
    settings = PipelineSettings(dagster_url=told["MEDSEARCH_DAGSTER_URL"], webserver_hosts=told["MEDSEARCH_WEBSERVER_HOSTS"])
    assert settings.webserver_names == {"dagster.example.org", "ui.example.org"}


def test_the_settings_of_each_are_accepted(services: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, settings in {"code": PipelineSettings, "embedder": PipelineSettings, "api": ApiSettings}.items():
        with monkeypatch.context() as environment:
            for variable, value in services[name]["environment"].items():
                environment.setenv(variable, value)
            settings()


def test_dagsters_instance_finds_what_it_reads_from_the_environment(services: dict[str, Any]) -> None:
    for file, readers in {"dagster.yaml": ("code", "webserver", "daemon"), "workspace.yaml": ("webserver", "daemon")}.items():
        named = set(re.findall(r"env: (\w+)", (FOLDER / file).read_text(encoding="utf-8")))
        assert named
        for name in readers:
            assert named <= set(services[name]["environment"]), (file, name)
    (server,) = yaml.safe_load((FOLDER / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert str(server["grpc_server"]["port"]) == only("gpu", "EXPOSE").value


def test_data_is_in_volumes_that_there_are(system: dict[str, Any]) -> None:
    named = set()
    for service in system["services"].values():
        for volume in service.get("volumes", ()):
            if isinstance(volume, str):
                source = volume.split(":")[0]
                if source.startswith("."):
                    assert (FOLDER / source).exists(), source
                else:
                    named.add(source)
    assert named == set(system["volumes"])
    logs = "dagster:/opt/medsearch/dagster/storage"
    assert all(logs in system["services"][name]["volumes"] for name in ("code", "webserver", "daemon"))


def test_each_side_has_keys_of_its_own(services: dict[str, Any]) -> None:
    keys = {name: services[name]["environment"]["AWS_ACCESS_KEY_ID"] for name in ("code", "api", "deliver", "buckets")}
    assert keys == {"code": "pipeline", "api": "service", "deliver": "pipeline", "buckets": "root"}
    assert "AWS_ACCESS_KEY_ID" not in {**services["embedder"]["environment"], **services["webserver"]["environment"]}


def test_with_a_gpu_the_model_has_it() -> None:
    added = composed(GIVEN, "compose.gpu.yaml")["services"]
    assert set(added) == {"code", "embedder"}
    for service in added.values():
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
