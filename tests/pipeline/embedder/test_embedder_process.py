"""`medsearch embedder` as a process of its own: ready when it says so, silent about files, ended by a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from tests.support.factories import dataset, dicom_bytes
from tests.support.paths import PROJECT_ROOT
from tests.support.serving import free_port


def test_the_command_serves_until_it_is_told_to_end_and_logs_nothing_of_files(tmp_path: Path) -> None:
    port = free_port()
    settings = {"MODEL": "efficientnet_lite0", "WEIGHTS": "random", "EMBEDDER_PORT": str(port), "EMBEDDER_TOKEN": "secret"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from medsearch_pipeline.cli import main; raise SystemExit(main(['embedder']))"],
            env=os.environ | {f"MEDSEARCH_{name}": value for name, value in settings.items()},
            cwd=PROJECT_ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": "Bearer secret"}, trust_env=False, timeout=300
        ) as client:
            deadline = time.monotonic() + 600
            while not _answers(client):
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            data = dicom_bytes(dataset(PatientName="Doe^Jane", PatientID="77881"))
            assert client.post("/embed", content=data).json()["model_id"] == "efficientnet_lite0-random"
            assert client.post("/embed", content=data[:-20]).status_code == 400
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
        assert children  # of which one decoded
        assert psutil.wait_procs(children, 300)[1] == []
    finally:
        process.kill()
    log_text = (tmp_path / "log").read_text()
    assert not any(word in log_text for word in ("Doe", "77881", "secret", "/embed", "Traceback", "leaked")), log_text


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False
