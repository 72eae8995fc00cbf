"""The service as a process of its own: its log, its end, its time limit."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.paths import PROJECT_ROOT

SLOW = {"query": '{ searchReports(query: "effusion slowly") { totalCount } }'}
ENDLESS = {"query": '{ searchReports(query: "effusion endlessly") { totalCount } }'}
BROKEN = {"query": '{ searchReports(query: "broken") { totalCount } }'}


class Service:
    """The running command, whose log goes to a file."""

    def __init__(self, folder: Path, log: Path, **settings: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {
            "MEDSEARCH_API_SIGN_IN": "development",
            "MEDSEARCH_API_WORKERS": "1",
            "MEDSEARCH_API_PORT": str(port),
            "MEDSEARCH_WAREHOUSE": str(folder / "warehouse"),
            "MEDSEARCH_INDEX": str(folder / "index"),
        } | settings
        self.log, self.gate = log, Path(f"{log}.gate")
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.slow_service"],
                env=os.environ | environment | {"GATE": str(self.gate)},
                cwd=PROJECT_ROOT,
                stderr=stream,
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=600)
        until(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def is_closed_to_others(self) -> bool:
        """Whether no connection is taken any more."""
        try:
            httpx.get(self.client.base_url.join("/healthz"), trust_env=False, timeout=600)
        except httpx.TransportError:
            return True
        return False

    def in_progress(self) -> int:
        """How many other requests are being answered."""
        (line,) = [m for m in self.client.get("/metrics").text.splitlines() if m.startswith("medsearch_requests_in_progress ")]
        return int(float(line.split()[1])) - 1

    def lines(self) -> list[dict[str, Any]]:
        """The log, every line of which is JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


def until(holds: Callable[[], bool], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.fixture
def start(hospital: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def begin(**settings: Any) -> Service:
        started.append(Service(hospital, tmp_path / "log", **settings))
        return started[-1]

    yield begin
    for service in started:
        service.client.close()
        service.process.kill()
        service.process.wait()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_to_end_it_still_answers_what_it_was_asked(start, workers):
    service = start(MEDSEARCH_API_REQUEST_SECONDS="600", MEDSEARCH_API_SHUTDOWN_SECONDS="600", MEDSEARCH_API_WORKERS=workers)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(service.client.post, "/graphql", json=SLOW)
        until(lambda: service.in_progress() == 1)
        service.process.send_signal(signal.SIGTERM)
        until(service.is_closed_to_others)
        assert not answer.done()
        service.gate.touch()
        assert answer.result().json() == {"data": {"searchReports": {"totalCount": 3}}}
    assert service.process.wait(timeout=300) in (0, -signal.SIGTERM)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_told_to_end_it_waits_no_longer_than_it_may(start, workers):
    service = start(MEDSEARCH_API_SHUTDOWN_SECONDS="1", MEDSEARCH_API_WORKERS=workers)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(service.client.post, "/graphql", json=ENDLESS)
        until(lambda: service.in_progress() == 1)
        service.process.send_signal(signal.SIGTERM)
        with suppress(httpx.RemoteProtocolError):  # uvicorn's 500 of what it cancels comes, or the process ends before it
            cut_off = answer.result(timeout=600)
            assert (cut_off.status_code, cut_off.text) == (500, "Internal Server Error")
    assert service.process.wait(timeout=300) in (0, -signal.SIGTERM)


def test_an_answer_that_takes_too_long_is_504_with_a_code_and_the_next_is_answered(start):
    service = start(MEDSEARCH_API_REQUEST_SECONDS="0.5")
    response = service.client.post("/graphql", json=ENDLESS)
    assert response.status_code == 504
    assert [e["extensions"]["code"] for e in response.json()["errors"]] == ["TIMEOUT"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"]
    measured = service.client.get("/metrics").text
    assert 'medsearch_graphql_fields_total{code="CANCELLED",field="searchReports",schema="medsearch"} 1.0' in measured
    assert 'medsearch_requests_total{method="POST",route="/graphql",status="504"} 1.0' in measured
    images = {"query": "{ index { images } }"}
    until(lambda: service.client.post("/graphql", json=images).json() == {"data": {"index": {"images": 5}}})


def test_its_log_is_a_json_line_per_request_without_what_was_asked(start):
    service = start()
    given = "0123456789abcdef-0"
    service.client.post("/graphql", json=BROKEN, headers={"X-Request-ID": given})
    service.client.get("/thumbnails/p1/s1/1.1.png", params={"name": "Jane Doe"})
    service.client.get("/Jane")
    service.client.request("PROPFIND", "/healthz")
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=300)
    assert not any(word in service.log.read_text() for word in ("Jane", "PROPFIND", "broken", "p1", "1.1.png"))
    common = {"time", "level", "logger", "message"}
    assert {frozenset(line.keys() - common) for line in service.lines() if line["message"] != "request"} == {
        frozenset(),
        frozenset({"request_id"}),
    }
    failure, request = (line for line in service.lines() if line.get("request_id") == given)
    assert (failure["level"], failure["message"]) == ("ERROR", "a query failed at searchReports: RuntimeError")
    assert request == {
        "time": request["time"],
        "level": "INFO",
        "logger": "medsearch.access",
        "message": "request",
        "method": "POST",
        "route": "/graphql",
        "status": 200,
        "ms": request["ms"],
        "request_id": given,
    }
    assert 0 < request["ms"] < 60_000
    others = [(r["method"], r["route"], r["status"]) for r in service.lines() if r["message"] == "request"][-3:]
    assert others == [("GET", "/thumbnails/{patient}/{study}/{image}.png", 200), ("GET", "-", 404), ("OTHER", "/healthz", 405)]
