"""The service as several processes: all answer, one that dies is replaced, none outlives the others."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.oidc_settings import ANSWERED, ASKED, oidc_settings
from tests.support.page_sign_in import HOME, OWN
from tests.support.paths import PROJECT_ROOT
from tests.support.serving import free_port
from tests.support.worker_service import WorkerService

pytestmark = pytest.mark.slow

Start = Callable[..., WorkerService]
COUNTED = 'medsearch_graphql_fields_total{code="OK",field="index",schema="medsearch"}'
OIDC = {"api_sign_in", "api_public_url", "api_oidc_issuer", "api_oidc_client_id", "api_oidc_roles_claim"}


@pytest.fixture
def start(landed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    for name in ("warehouse", "index", "landing"):
        (tmp_path / name).symlink_to(landed / name)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    started: list[WorkerService] = []

    def begin(count: int = 2, **settings: str) -> WorkerService:
        started.append(WorkerService(tmp_path, count, settings))
        return started[-1]

    yield begin
    for service in started:
        service.close()


def test_every_worker_answers_and_each_knows_what_all_have_counted(start):
    service = start(3)
    for times, pid in enumerate(service.answering(), 1):
        with service.only(pid) as client:
            for _ in range(times):
                assert client.post("/graphql", json=ASKED).json() == ANSWERED
    for pid in service.answering():
        with service.only(pid) as client:
            assert f"{COUNTED} 6.0" in client.get("/metrics").text
            assert client.get("/readyz").json()["status"] == "ok"


def test_a_worker_that_is_killed_is_replaced_and_what_it_counted_stays(start):
    service = start()
    killed, other = service.answering()
    with service.only(killed) as client:
        client.post("/graphql", json=ASKED)
    os.kill(killed, signal.SIGKILL)
    service.wait_until(lambda: len({*service.answering()} - {killed}) == 2)
    (new,) = set(service.answering()) - {other}
    with service.only(new) as client:
        assert client.post("/graphql", json=ASKED).json() == ANSWERED
        assert f"{COUNTED} 2.0" in client.get("/metrics").text
        assert service.metric("medsearch_requests_in_progress") == 1.0
    (line,) = [line["message"] for line in service.lines() if "ended" in line["message"]]
    assert line == "a worker process ended (-9): another is started in 0.0 s"


def test_a_coordinator_that_is_killed_is_replaced_with_all_workers(start):
    service = start()
    before = service.answering()
    (coordinator,) = {child.pid for child in service.process.children()} - set(before)
    os.kill(coordinator, signal.SIGKILL)
    service.wait_until(lambda: len({*service.answering()} - {*before}) == 2)
    for pid in service.answering():
        with service.only(pid) as client:
            assert client.post("/graphql", json=ASKED).json() == ANSWERED
            assert client.get("/images/p1/s1/1.1.png").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_sigterm_ends_all_and_leaves_nothing(start, tmp_path, number):
    service = start()
    assert service.client.get("/images/p1/s1/1.1.png").status_code == 200  # so that decoding processes are there
    everything = service.descendants()
    assert len(everything) > 3
    service.process.send_signal(number)
    assert service.process.wait(timeout=600) == 0
    assert psutil.wait_procs(everything, timeout=600)[1] == []
    assert list(tmp_path.glob("medsearch-metrics-*")) == []


def test_a_supervisor_that_is_killed_takes_everything_with_it(start):
    service = start()
    service.client.get("/images/p1/s1/1.1.png")
    everything = service.descendants()
    service.process.kill()
    assert psutil.wait_procs(everything, timeout=600)[1] == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "Sign-in is not configured. Set MEDSEARCH_API_SIGN_IN=oidc"),
        ({"MEDSEARCH_API_SIGN_IN": "development", "MEDSEARCH_WAREHOUSE": "/etc/hostname"}, "cannot be used as a folder"),
    ],
)
def test_a_setting_that_is_wrong_is_one_sentence_and_status_1(hospital, tmp_path, settings, sentence):
    environment = {"MEDSEARCH_WAREHOUSE": str(hospital / "warehouse"), "MEDSEARCH_INDEX": str(hospital / "index")} | settings
    environment["MEDSEARCH_API_PORT"] = str(free_port())
    done = subprocess.run(
        [sys.executable, "-c", "from medsearch_api.app import main; main()"],
        env=os.environ | environment | {"MEDSEARCH_API_WORKERS": "2", "TMPDIR": str(tmp_path)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 1
    assert sentence in done.stderr.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_who_signs_in_at_one_worker_is_known_to_all_and_who_signs_out_to_none(start, hospital, issuer):
    chosen = oidc_settings(hospital, issuer).model_dump(include=OIDC)
    service = start(2, **{f"MEDSEARCH_{name.upper()}": str(value) for name, value in chosen.items()})
    one, other = service.answering()
    with service.only(one) as client:
        started = client.get("/sign-in")
        pending = started.cookies
        with httpx.Client() as browser:
            page = browser.get(started.headers["location"])
            onward = re.search('href="(/approve[^"]+)"', page.text)
            assert onward
            back = browser.get(str(page.url.join(onward[1]))).headers["location"]
    with service.only(other) as client:  # another worker than the one that began it
        client.cookies.update(pending)
        answer = client.get(back.removeprefix(HOME))
        assert answer.status_code == 303
    session = {"cookie": f"medsearch-session={answer.cookies['medsearch-session']}"}
    for pid in (one, other):
        with service.only(pid) as client:
            assert client.get("/session", headers=session).json()["signedIn"] is True
            assert client.post("/graphql", json=ASKED, headers=session | OWN).json() == ANSWERED
    with service.only(one) as client:
        assert client.post("/sign-out", json={}, headers=session | OWN).status_code == 200
    for pid in (one, other):
        with service.only(pid) as client:
            assert client.get("/session", headers=session).json()["signedIn"] is False
            assert client.post("/graphql", json=ASKED, headers=session | OWN).status_code == 401
