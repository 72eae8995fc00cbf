"""The small programs of docker/, each run as a container runs it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest

from medsearch_core.process.permissions import PSEUDONYM_KEY
from tests.deployment.dockerfiles import FOLDER, ROOT


class Answers(BaseHTTPRequestHandler):
    """Says 200 at one path, 503 at another, and 404 elsewhere."""

    def do_GET(self) -> None:
        self.send_response({"/healthz": 200, "/busy": 503}.get(self.path, 404))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def is_healthy(port: int, path: str) -> bool:
    environment = {"http_proxy": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"}
    ran = subprocess.run([sys.executable, FOLDER / "healthy.py", str(port), path], env=environment, check=False)
    assert ran.returncode in (0, 1)
    return ran.returncode == 0


def test_only_200_is_healthy_whatever_proxy_there_is(port: int) -> None:
    assert [is_healthy(port, path) for path in ("/healthz", "/busy", "/nothing")] == [True, False, False]


def test_a_server_that_is_not_there_is_not_healthy() -> None:
    assert not is_healthy(9, "/healthz")


def test_the_stores_reader_reads_all_but_the_secret_behind_pseudonyms() -> None:
    prepare = runpy.run_path(str(FOLDER / "store" / "prepare.py"))
    *allowed, denied = prepare["reading"]("warehouse")["Statement"]
    of_the_reader = {each["Action"] for each in allowed if each["Principal"] == {"AWS": "service"}}
    assert of_the_reader == {"s3:ListBucket", "s3:GetObject"}
    assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", {"AWS": "service"}, "s3:GetObject")
    assert denied["Resource"] == f"arn:aws:s3:::warehouse/{PSEUDONYM_KEY}"


def test_a_folder_is_delivered_under_its_own_names(tmp_path: Path, s3_endpoint: str, s3_bucket: str) -> None:
    files = {"p10/p10000032/s50414267.txt": b"report", "p10/p10000032/s50414267/ä b.dcm": b"image"}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    environment = {
        "PYTHONPATH": str(ROOT),
        "MEDSEARCH_LANDING": f"s3://{s3_bucket}/in",
        "MEDSEARCH_S3_ENDPOINT": s3_endpoint,
        "MEDSEARCH_S3_REGION": "us-east-1",
        **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
    }
    deliver: list[str | Path] = [sys.executable, FOLDER / "store" / "deliver.py", tmp_path]
    ran = subprocess.run(deliver, env=environment, check=True, capture_output=True, text=True)
    assert ran.stdout == "2 files were delivered\n"
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    landed = {
        entry["Key"]: client.get_object(Bucket=s3_bucket, Key=entry["Key"])["Body"].read()
        for entry in client.list_objects_v2(Bucket=s3_bucket)["Contents"]
    }
    assert landed == {f"in/{name}": data for name, data in files.items()}
