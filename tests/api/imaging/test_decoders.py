"""Decoding in a real service's processes: what an object may cost, what is left of it, and who is served meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from medsearch_core.workers.child import Preparation
from medsearch_core.workers.process import confined_server
from tests.support.deadly_decoding import ABORT, FILL, HANG, KILLED, LEAK, WAIT
from tests.support.factories import dataset
from tests.support.image_service import ImageService, address_of, image_service, land_objects

GOOD, DEADLY = "1.1", "2.1"
SECRETS = {"AWS_SECRET_ACCESS_KEY": "of-the-store", "MEDSEARCH_API_EMBEDDER_TOKEN": "of-the-embedder"}
PATIENT = {"MEDSEARCH_API_DECODE_SECONDS": "3600", "MEDSEARCH_API_REQUEST_SECONDS": "3600"}


def landed(folder: Path, fate: str) -> Path:
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    land_objects(folder, {DEADLY: dataset(pixels, ImageComments=fate)})
    return folder


def is_served(service: ImageService, image: str = GOOD) -> bool:
    return service.client.get(address_of(image)).status_code == 200


@pytest.mark.parametrize(
    ("fate", "settings", "status", "outcome"),
    [
        pytest.param(ABORT, {}, 422, "CRASH", id="crash"),
        pytest.param(HANG, {"MEDSEARCH_API_DECODE_SECONDS": "1"}, 422, "PROCESSOR_TIME", id="time"),
        pytest.param(FILL, {"MEDSEARCH_API_DECODE_MEMORY_GIB": "0.25"}, 413, "MEMORY", id="memory"),
        pytest.param(KILLED, {}, 503, "ENDED_FROM_OUTSIDE", id="killed by the kernel"),
        pytest.param(LEAK, {}, 500, "REFUSED", id="unexpected error"),
    ],
)
def test_an_object_costs_its_own_process_and_no_other_request(tmp_path, fate, settings, status, outcome):
    with image_service(landed(tmp_path, fate), **settings) as service:
        response = service.client.get(address_of(DEADLY))
        assert (response.status_code, service.outcome(outcome)) == (status, 1), response.text
        assert "Doe" not in response.text + service.log.read_text()
        assert is_served(service)
        service.wait_until(lambda: service.metric("medsearch_decodes_in_progress") == 0)
        service.wait_until(lambda: len(service.workers()) == 2)  # which wait for what comes next


def test_an_object_that_ended_a_process_is_refused_at_once_whatever_picture_of_it_is_asked_for(tmp_path):
    with image_service(landed(tmp_path, ABORT)) as service:
        answers = [service.client.get(address_of(DEADLY), params={"side": side}) for side in (9, 10, 11)]
        assert {(answer.status_code, answer.text) for answer in answers} == {(422, answers[0].text)}
        assert service.outcome("CRASH") == 1
        assert service.client.get(address_of(DEADLY, "values")).status_code == 200


def test_an_object_that_takes_too_long_ends_at_its_limit_while_others_are_served(tmp_path):
    with (
        image_service(landed(tmp_path, HANG), MEDSEARCH_API_DECODE_SECONDS="1") as service,
        ThreadPoolExecutor() as pool,
    ):
        answer = pool.submit(service.client.get, address_of(DEADLY))
        service.wait_until(lambda: service.metric("medsearch_decodes_in_progress") == 1 or answer.done())
        assert is_served(service)
        assert answer.result().status_code == 422
        assert "MEDSEARCH_API_DECODE_SECONDS" in answer.result().text


def busy(service: ImageService, idle: set[int]) -> list[psutil.Process]:
    return [worker for worker in service.workers() if worker.pid in idle]


@pytest.mark.parametrize("fate", [HANG, WAIT])
def test_nothing_goes_on_behind_a_client_that_disconnects(tmp_path, fate):
    with image_service(landed(tmp_path, fate), **PATIENT) as service:
        assert is_served(service)
        service.wait_until(lambda: len(service.workers()) == 2)
        before = {worker.pid for worker in service.workers()}
        with service.asking(address_of(DEADLY)):
            service.wait_until(lambda: service.metric("medsearch_decodes_in_progress") == 1)
            assert len(busy(service, before)) >= 1
        service.wait_until(lambda: service.outcome("CANCELLED") == 1)
        service.wait_until(lambda: service.metric("medsearch_decodes_in_progress") == 0)
        service.wait_until(lambda: len(busy(service, before)) < 2)  # the one that was given the object is gone
        service.wait_until(lambda: len(service.workers()) == 2)
        assert is_served(service)


def test_a_request_that_takes_too_long_is_504_and_its_process_is_gone(tmp_path):
    settings = {"MEDSEARCH_API_REQUEST_SECONDS": "2", "MEDSEARCH_API_DECODE_SECONDS": "3600"}
    with image_service(landed(tmp_path, HANG), **settings) as service:
        assert service.client.get(address_of(DEADLY)).status_code == 504
        service.wait_until(lambda: service.metric("medsearch_decodes_in_progress") == 0)
        assert service.outcome("CANCELLED") == 1


def test_a_users_requests_over_the_share_are_told_to_come_later(tmp_path):
    with image_service(landed(tmp_path, WAIT), MEDSEARCH_API_DECODES_PER_USER="1", **PATIENT) as service:
        with service.asking(address_of(DEADLY)):
            service.wait_until(lambda: service.metric("medsearch_decodes_in_progress") == 1)
            refused = service.client.get(address_of(GOOD))
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
            assert service.client.get("/thumbnails/p1/s1/1.1.png").status_code == 200
        service.wait_until(lambda: is_served(service))


def test_no_process_that_decodes_has_a_secret_of_the_service(tmp_path):
    with image_service(landed(tmp_path, WAIT), **SECRETS, **PATIENT) as service:
        assert is_served(service)
        with service.asking(address_of(DEADLY)):
            service.wait_until(lambda: service.metric("medsearch_decodes_in_progress") == 1)
            others = service.process.children(recursive=True)
            assert len(others) >= 2, "the one that decodes and the one that forked it"
            for process in others:
                with suppress(psutil.AccessDenied):  # others of its user may not look into it
                    assert not set(SECRETS.values()) & set(process.environ().values())
                    assert not SECRETS.keys() & process.environ().keys()


def test_all_processes_end_with_the_service(tmp_path):
    with image_service(landed(tmp_path, "")) as service:
        assert is_served(service)
        service.wait_until(lambda: len(service.workers()) == 2)
        all_others = service.process.children(recursive=True)
    _, alive = psutil.wait_procs(all_others, timeout=300)
    assert not alive


def test_readiness_says_whether_decoding_is_confined_and_not_what_is_missing(tmp_path):
    ready = "partly confined" if refused_here() else "confined"
    with image_service(landed(tmp_path, WAIT)) as service:
        service.wait_until(lambda: service.client.get("/readyz").json()["decoding"] != "unknown")
        answer = service.client.get("/readyz")
        assert (answer.status_code, answer.json()["decoding"]) == (200, ready)
        assert "seccomp" not in answer.text
        assert "landlock" not in answer.text


def refused_here() -> list[str]:
    """What this kernel refuses of a worker's confinement."""
    server = confined_server(())
    try:
        return server.start(Preparation(packages=("medsearch_core",))).refused
    finally:
        server.close()
