"""What can be read off docker/compose.yaml about the index: no password of its own, one machine, the version that is tested.

What its files do on the real server is in tests/deployment/test_opensearch_secured.py.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deployment.compose import FOLDER, GIVEN, ROOT, Refused, composed

HOME = "/usr/share/opensearch"


@pytest.fixture
def services() -> dict[str, Any]:
    return composed(GIVEN)["services"]


@pytest.mark.parametrize("password", [{}, {"MEDSEARCH_INDEX_PASSWORD": ""}])
def test_it_does_not_start_without_a_password(password: dict[str, str]) -> None:
    given = {name: value for name, value in GIVEN.items() if name != "MEDSEARCH_INDEX_PASSWORD"}
    with pytest.raises(Refused, match="set it to the password that the user medsearch is to have"):
        composed(given | password)


def test_the_password_is_the_environments_and_there_is_no_other_secret() -> None:
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{\w*INDEX_PASSWORD[^}]*\}", text)) == {
        "${MEDSEARCH_INDEX_PASSWORD:?set it to the password that the user medsearch is to have}"
    }
    users = yaml.safe_load((FOLDER / "opensearch" / "security" / "internal_users.yml").read_text(encoding="utf-8"))
    assert {name: user["hash"] for name, user in users.items() if name != "_meta"} == {
        "medsearch": "${envbc.MEDSEARCH_INDEX_PASSWORD}"
    }
    for path in FOLDER.rglob("*"):
        if path.is_file():
            assert not re.search(rb"\$2[aby]\$|BEGIN [A-Z ]*(PRIVATE KEY|CERTIFICATE)", path.read_bytes()), path


def test_its_server_is_the_version_that_is_tested_and_comes_without_the_demo(services: dict[str, Any]) -> None:
    pom = (ROOT / "tests" / "support" / "opensearch_node" / "pom.xml").read_text(encoding="utf-8")
    version = re.search(r"<opensearch\.version>([\d.]+)</opensearch\.version>", pom)
    assert version
    for name in ("opensearch", "certificates"):
        assert services[name]["image"] == f"opensearchproject/opensearch:{version[1]}"
    assert services["opensearch"]["environment"]["DISABLE_INSTALL_DEMO_CONFIG"] == "true"


def test_it_listens_on_this_machine_only_and_on_none_unless_that_is_asked_for(services: dict[str, Any]) -> None:
    assert "ports" not in services["opensearch"]
    assert composed(GIVEN, "compose.index.yaml")["services"]["opensearch"]["ports"] == ["127.0.0.1:9200:9200"]
    assert services["certificates"]["network_mode"] == "none"
    assert not any("network_mode" in services["opensearch"] or service.get("privileged") for service in services.values())


def test_its_data_outlives_the_container_and_its_memory_is_bounded(services: dict[str, Any]) -> None:
    server = services["opensearch"]
    assert f"data:{HOME}/data" in server["volumes"]
    assert {"certificates", "data"} <= set(composed(GIVEN)["volumes"])
    assert server["mem_limit"] == "3g"
    assert server["environment"]["OPENSEARCH_JAVA_OPTS"] == "-Xms1g -Xmx1g"
    assert server["ulimits"]["memlock"] == {"soft": -1, "hard": -1}


def test_what_it_mounts_is_here_or_made_by_the_script(services: dict[str, Any], tmp_path: Path) -> None:
    mounted = dict(volume.split(":")[:2] for volume in services["opensearch"]["volumes"])
    assert {source for source in mounted if source.startswith(".")} == {"./opensearch/opensearch.yml", "./opensearch/security"}
    assert (FOLDER / "opensearch" / "opensearch.yml").is_file()
    assert mounted["./opensearch/security"] == f"{HOME}/config/opensearch-security"
    (given,) = [volume for volume in services["certificates"]["volumes"] if isinstance(volume, dict)]
    assert (FOLDER / given["source"]).resolve() == ROOT / ".medsearch" / "certificates"  # where the script writes by default
    script = ["sh", str(FOLDER / "opensearch" / "certificates.sh")]
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / ".medsearch" / "certificates" / "ca.pem").is_file()


def test_the_node_finds_each_certificate_that_the_first_service_copies(services: dict[str, Any], tmp_path: Path) -> None:
    """The service's own command, with folders and the user of this machine in place of the container's."""
    subprocess.run(
        ["sh", str(FOLDER / "opensearch" / "certificates.sh"), str(tmp_path / "from")], check=True, capture_output=True
    )
    (tmp_path / "to").mkdir()
    first = services["certificates"]
    here = {"-o": str(os.getuid()), "-g": str(os.getgid()), "-t": str(tmp_path / "to")}
    command = first["entrypoint"] + first["command"]
    for at, word in enumerate(command[:-1]):
        if word in here:
            command[at + 1] = here[word]
    subprocess.run([word.replace("/from/", f"{tmp_path}/from/") for word in command], check=True)
    copied = {f"certificates/{path.name}": oct(path.stat().st_mode & 0o777) for path in (tmp_path / "to").iterdir()}
    settings = yaml.safe_load((FOLDER / "opensearch" / "opensearch.yml").read_text(encoding="utf-8"))
    wanted = {value for key, value in settings.items() if key.endswith("_filepath")}
    assert copied == dict.fromkeys(wanted, "0o600")
    assert f"certificates:{HOME}/config/certificates:ro" in services["opensearch"]["volumes"]


def test_it_is_healthy_when_the_answer_that_the_tests_wait_for_comes(services: dict[str, Any]) -> None:
    command = services["opensearch"]["healthcheck"]["test"]
    assert command[:4] == ["CMD", "curl", "-fsS", "--cacert"]
    assert command[4:] == [f"{HOME}/config/certificates/ca.pem", "https://localhost:9200/_plugins/_security/health?mode=strict"]
    node = (ROOT / "tests" / "support" / "opensearch_node" / "node.py").read_text(encoding="utf-8")
    assert '"/_plugins/_security/health?mode=strict"' in node
