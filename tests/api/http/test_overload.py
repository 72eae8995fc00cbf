"""The service as a process under more load than it can answer, and with clients that send half a request."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.http.test_process import SLOW, Service, until

pytestmark = pytest.mark.slow

QUICK = {"query": "{ index { images } }"}
CHEAP = ("/healthz", "/readyz", "/metrics", "/", "/static/main.js", "/thumbnails/p1/s1/1.1.png")


@pytest.fixture
def start(hospital: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def begin(**settings: str) -> Service:
        started.append(Service(hospital, tmp_path / "log", MEDSEARCH_API_REQUEST_SECONDS="600", **settings))
        return started[-1]

    yield begin
    for service in started:
        service.process.kill()
        service.process.wait()
        service.client.close()


def post(service: Service, body: dict[str, str]) -> httpx.Response:
    return httpx.post(service.client.base_url.join("/graphql"), json=body, trust_env=False, timeout=600)


def shed(service: Service) -> float:
    (line,) = [m for m in service.client.get("/metrics").text.splitlines() if m.startswith("medsearch_shed_requests_total ")]
    return float(line.split()[1])


def test_while_searches_are_stuck_others_are_shed_at_once_and_cheap_requests_are_answered(start):
    service = start(MEDSEARCH_API_SEARCHES="12", MEDSEARCH_API_QUEUE_SECONDS="0")  # more than asyncio has threads
    with ThreadPoolExecutor(12) as pool:
        stuck: list[Future[httpx.Response]] = [pool.submit(post, service, SLOW) for _ in range(12)]
        until(lambda: service.in_progress() == 12)
        for _ in range(3):
            refused = post(service, QUICK)
            assert refused.status_code == 503
            assert [e["extensions"]["code"] for e in refused.json()["errors"]] == ["UNAVAILABLE"]
            assert int(refused.headers["retry-after"]) >= 1
        for address in CHEAP:
            assert service.client.get(address).status_code == 200, address
        assert not any(search.done() for search in stuck)
        assert shed(service) == 3
        service.gate.touch()
        assert {search.result().status_code for search in stuck} == {200}
    assert post(service, QUICK).json() == {"data": {"index": {"images": 5}}}


def test_one_that_may_wait_waits_and_is_answered(start):
    service = start(MEDSEARCH_API_SEARCHES="1", MEDSEARCH_API_QUEUE_SECONDS="600")
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(post, service, SLOW)
        until(lambda: service.in_progress() == 1)
        others = [pool.submit(post, service, QUICK) for _ in range(2)]
        until(lambda: "medsearch_requests_waiting 2.0" in service.client.get("/metrics").text)
        service.gate.touch()
        assert {answer.result().status_code for answer in [first, *others]} == {200}
    assert shed(service) == 0


def test_usual_load_is_not_shed(start):
    service = start()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(service, QUICK).status_code, range(200)))
    assert answers == [200] * 200
    assert shed(service) == 0


def test_a_client_that_gives_up_a_search_leaves_its_place(start):
    service = start(MEDSEARCH_API_SEARCHES="1", MEDSEARCH_API_QUEUE_SECONDS="600")
    with socket.create_connection((service.client.base_url.host, service.client.base_url.port)) as client:
        body = b'{"query": "{ index { images } }"}'
        head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        client.sendall(head.encode() + b"\r\n\r\n" + body[:10])  # the rest never comes
        until(lambda: service.in_progress() == 1)
    assert post(service, QUICK).status_code == 200
