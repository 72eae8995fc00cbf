"""`medsearch up` as a user lives it: a landing folder becomes searchable, and nothing is left when it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from medsearch_pipeline.supervision.ports import free_port
from tests.support.landing import land_study, sop_instance_uid

STUDY = StudyKey("p10000001", "s50000001")
MEDSEARCH = Path(sys.executable).with_name("medsearch")
MAX_SECONDS = 600
SETTINGS = """MEDSEARCH_MODEL=efficientnet_lite0
MEDSEARCH_WEIGHTS=imagenet
MEDSEARCH_SETTLE_SECONDS=1
MEDSEARCH_SCAN_INTERVAL_SECONDS=2
MEDSEARCH_DISPATCH_INTERVAL_SECONDS=2
"""


def environment() -> dict[str, str]:
    """Without settings of whoever runs the tests."""
    theirs = ("MEDSEARCH_", "DAGSTER_", "PYTHON_DOTENV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(theirs)}


class Up:
    """`medsearch up` in a folder with a `.env`, its output read as it comes."""

    def __init__(self, folder: Path) -> None:
        self.output_file = folder / "output.txt"
        self.api_port = free_port(0)
        self.dagster_port = free_port(0)
        ports = ["--dagster-port", str(self.dagster_port), "--api-port", str(self.api_port)]
        with self.output_file.open("w") as output:
            self.process = psutil.Popen(
                [str(MEDSEARCH), "up", "--landing", "landing", "--home", "home", *ports],
                cwd=folder,
                env=environment() | {"MEDSEARCH_EMBEDDER_PORT": str(free_port(0)), "COLUMNS": "200"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    def wait_until(self, is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + MAX_SECONDS
        while not is_so():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.3)

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: "Ctrl-C stops everything" in self.output)

    def reports(self) -> list[dict[str, object]]:
        query = '{ searchReports(query: "effusion") { nodes { id images { nodes { id } } } } }'
        answer = httpx.post(f"http://127.0.0.1:{self.api_port}/graphql", json={"query": query}, timeout=300).json()
        nodes: list[dict[str, object]] = answer["data"]["searchReports"]["nodes"]
        return nodes

    def family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def medsearch(folder: Path, command: str) -> Any:
    """What a command prints as JSON about the home of `up`, in a folder without its `.env`."""
    return json.loads(print_of(folder, command, "--json"))


def print_of(folder: Path, command: str, *arguments: str) -> str:
    run = [str(MEDSEARCH), command, "--home", ".", *arguments]
    return subprocess.run(run, cwd=folder / "home", env=environment(), capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("up")
    land_study(open_store(str(folder / "landing")), STUDY, images=2)
    (folder / ".env").write_text(SETTINGS)
    return folder


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    up = Up(folder)
    yield up
    if up.process.poll() is None:
        up.process.send_signal(signal.SIGINT)
        up.process.wait(MAX_SECONDS)


def test_what_lies_in_the_landing_folder_is_searchable_by_one_command_and_ctrl_c_leaves_no_process(
    up: Up, folder: Path
) -> None:
    up.wait_until_ready()
    up.wait_until(up.reports)
    images = [{"id": sop_instance_uid(STUDY, number)} for number in (1, 2)]
    assert up.reports() == [{"id": STUDY.study, "images": {"nodes": images}}]
    assert {path.name for path in (folder / "home").iterdir()} == {"dagster", "index", "logs", "settings.env", "warehouse"}
    family = up.family()
    assert len(family) >= 6
    assert re.search(r"run \w{8} of ingest_job began: 1 study$", up.output, re.MULTILINE)
    up.wait_until(lambda: re.search(r"run \w{8} of ingest_job succeeded after \d+ s: 1 study$", up.output, re.MULTILINE))
    status = medsearch(folder, "status")
    assert not status["daemon"]["silent"]
    assert status["model"].startswith("efficientnet_lite0")
    assert f"http://localhost:{up.dagster_port}" in print_of(folder, "ingest", STUDY.partition)
    findings = {finding["check"]: finding["level"] for finding in medsearch(folder, "check")}
    assert {level for check, level in findings.items() if check not in ("disk", "memory")} == {"ok"}
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(MAX_SECONDS) == 0
    _, alive = psutil.wait_procs(family, timeout=300)
    assert alive == []
    found = medsearch(folder, "status")
    assert (found["objects"]["indexed"], found["daemon"]["is_stopped"]) == (3, True)


def test_a_process_that_dies_is_named_and_ends_the_others(up: Up, folder: Path) -> None:
    up.wait_until_ready()
    family = up.family()
    (daemon,) = (process for process in family if "dagster._daemon" in process.cmdline())
    daemon.kill()
    assert up.process.wait(MAX_SECONDS) == 1
    named = rf"medsearch: dagster-daemon was ended by SIGKILL.*: see {re.escape(str(folder / 'home/logs/dagster-daemon.log'))}"
    assert re.search(named, up.output), up.output
    _, alive = psutil.wait_procs(family, timeout=300)
    assert alive == []


def test_what_keeps_it_from_working_is_said_before_anything_starts(folder: Path, tmp_path: Path) -> None:
    arguments = ["up", "--landing", str(folder / "nowhere"), "--home", str(tmp_path / "home"), "--api-port", str(free_port(0))]
    done = subprocess.run(
        [str(MEDSEARCH), *arguments, "--dagster-port", str(free_port(0))],
        env=environment() | {"MEDSEARCH_MODEL": "efficientnet_lite0", "MEDSEARCH_EMBEDDER_PORT": str(free_port(0))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = (line for line in done.stderr.splitlines() if "MEDSEARCH_LANDING" in line)
    assert line.startswith("medsearch: landing store: ")
    assert not (tmp_path / "home" / "dagster").exists()
