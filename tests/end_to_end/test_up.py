"""`medsearch up` as it is typed: one command from a landing folder to a search, and nothing left after Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from medsearch_core.keys import StudyKey
from medsearch_core.storage.open import open_store
from tests.support.landing import land_study
from tests.support.serving import free_port

MEDSEARCH = Path(sys.executable).with_name("medsearch")
INDEXED = {"index": {"images": 2, "reports": 1, "studies": 1}}


def environment() -> dict[str, str]:
    """Without settings of whoever runs the tests."""
    theirs = ("MEDSEARCH_", "DAGSTER_", "PYTHON_DOTENV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(theirs)}


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 1200
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.5)


def index_at(port: int) -> object:
    try:
        query = {"query": "{ index { images reports studies } }"}
        return httpx.post(f"http://127.0.0.1:{port}/graphql", json=query, trust_env=False).json().get("data")
    except httpx.HTTPError:
        return None


def processes_of(home: Path) -> list[int]:
    """Those that have the home in their environment or arguments."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(home) in text for text in (*process.cmdline(), *process.environ().values())):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_what_lies_in_the_folder_can_be_searched_and_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    landing, home, folder = tmp_path / "landing", tmp_path / "home", tmp_path / "folder"
    land_study(open_store(str(landing)), StudyKey("p10000001", "s50000001"), images=2)
    folder.mkdir()
    dagster, api, embedder = free_port(), free_port(), free_port()
    lines = ("MODEL=efficientnet_lite0", "SETTLE_SECONDS=1", "SCAN_INTERVAL_SECONDS=5", f"EMBEDDER_PORT={embedder}")
    (folder / ".env").write_text("".join(f"MEDSEARCH_{line}\n" for line in lines))
    ports = ("--dagster-port", str(dagster), "--api-port", str(api))
    command = [MEDSEARCH, "up", "--landing", landing, "--home", home, *ports]
    up = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: index_at(api) == INDEXED, up)
        assert len(processes_of(home)) > 5
        up.send_signal(signal.SIGINT)
        printed, _ = up.communicate(timeout=600)
    finally:
        up.kill()
    assert up.returncode == 0
    assert f"http://localhost:{api}/graphql" in printed
    assert processes_of(home) == []


def test_a_folder_that_is_not_there_is_named_before_anything_starts(tmp_path: Path) -> None:
    command = [MEDSEARCH, "up", "--landing", tmp_path / "nowhere", "--home", tmp_path / "home"]
    ports = ["--dagster-port", str(free_port()), "--api-port", str(free_port())]
    variables = environment() | {"MEDSEARCH_MODEL": "efficientnet_lite0", "MEDSEARCH_EMBEDDER_PORT": str(free_port())}
    done = subprocess.run([*command, *ports], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"MEDSEARCH_LANDING={tmp_path / 'nowhere'}" in done.stderr
    assert not (tmp_path / "home" / "dagster").exists()
