"""A step is tried again where its store was busy, and only there: a real S3 API behind a proxy that throttles at first."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from opensearchpy import AuthenticationException, ConnectionTimeout, SSLError, TransportError

from medsearch_core.errors import StorageError, Transient
from medsearch_core.keys import StudyKey
from medsearch_core.search.opensearch.client import failing_as
from medsearch_core.storage.object_store import S3Options
from medsearch_core.storage.open import open_store
from medsearch_pipeline.code_location import build_definitions
from medsearch_pipeline.orchestration.retries import LONGEST_SECONDS, Retries
from medsearch_pipeline.settings import Settings
from tests.support.ingest import local_instance, settings_in
from tests.support.landing import folder_of, land_study

STUDY = StudyKey("p10000001", "s50000001")
OBSTORE_TRIES = 11
"""How often obstore itself asks a server that throttles."""


class Throttling:
    """Answers 429 to so many reads of keys that end so, and else what the store behind it answers."""

    def __init__(self, behind: str) -> None:
        self.behind, self.url, self.ending, self.left = behind, "", "", 0
        self.refused: Counter[str] = Counter()


@pytest.fixture
def throttling(s3_endpoint: str) -> Iterator[Throttling]:
    proxy = Throttling(s3_endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.command == "GET" and proxy.left and self.path.endswith(proxy.ending):
                proxy.left -= 1
                proxy.refused[self.path] += 1
                return self.answer(429, {}, b"<Error><Code>SlowDown</Code></Error>")
            named = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "content-length")}
            request = urllib.request.Request(proxy.behind + self.path, body or None, named, method=self.command)  # noqa: S310
            try:
                with urllib.request.urlopen(request) as got:  # noqa: S310
                    self.answer(got.status, dict(got.headers), got.read())
            except urllib.error.HTTPError as error:
                self.answer(error.code, dict(error.headers), error.read())

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = forward

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    yield proxy
    server.shutdown()
    server.server_close()


def settings_at(throttling: Throttling, bucket: str, home: Path, **given: Any) -> Settings:
    local = settings_in(home / "unused", home)
    named = {"landing": f"s3://{bucket}/landing", "s3_endpoint": throttling.url, "s3_region": "us-east-1"}
    return local.model_copy(update=named | {"step_retries": 1, "step_retry_seconds": 0.01} | given)


def read_reports(settings: Settings, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    defs = build_definitions(settings)
    assert defs.resolve_job_def("inventory_job").execute_in_process(instance=instance).success
    job = defs.resolve_job_def("reports_job")
    return job.execute_in_process(
        instance=instance,
        partition_key=STUDY.partition,
        asset_selection=[dg.AssetKey("report_entities")],
        raise_on_error=False,
    )


def retries_of(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events)


def test_a_throttling_store_delays_a_step_and_fails_none(throttling: Throttling, s3_bucket: str, tmp_path: Path) -> None:
    settings = settings_at(throttling, s3_bucket, tmp_path)
    land_study(open_store(settings.landing, S3Options(endpoint=throttling.behind, region="us-east-1")), STUDY, images=0)
    throttling.ending, throttling.left = f"{folder_of(STUDY)}.txt", OBSTORE_TRIES
    result = read_reports(settings, local_instance(tmp_path / "dagster"))
    assert (result.success, retries_of(result), sum(throttling.refused.values())) == (True, 1, OBSTORE_TRIES)


def test_bad_data_and_bad_configuration_are_not_tried_again(throttling: Throttling, s3_bucket: str, tmp_path: Path) -> None:
    settings = settings_at(throttling, s3_bucket, tmp_path)
    landing = open_store(settings.landing, S3Options(endpoint=throttling.behind, region="us-east-1"))
    landing.write(f"{folder_of(STUDY)}.txt", b"%PDF-1.7 \x00\x01 \xff\xfe")
    instance = local_instance(tmp_path / "dagster")
    result = read_reports(settings, instance)
    assert (result.success, retries_of(result)) == (True, 0), "bad data is a rejection"
    (told,) = result.asset_materializations_for_node("report_entities")
    assert told.metadata["rejected"].value == 1
    wrong = settings.model_copy(update={"weights": str(tmp_path / "none.safetensors")})
    result = (
        build_definitions(wrong)
        .resolve_job_def("reembed_job")
        .execute_in_process(instance=instance, partition_key=STUDY.partition, raise_on_error=False)
    )
    assert (result.success, retries_of(result)) == (False, 0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransportError(429, "too_many_requests", {}), Transient),
        (TransportError(503, "unavailable_shards_exception", {}), Transient),
        (ConnectionTimeout("TIMEOUT", "timed out", Exception()), Transient),
        (SSLError("N/A", "certificate", Exception()), StorageError),
        (AuthenticationException(401, "unauthorized", {}), StorageError),
        (TransportError(500, "illegal_state_exception", {}), StorageError),
    ],
)
def test_the_cluster_being_busy_is_told_from_its_refusing(error: Exception, kind: type[StorageError]) -> None:
    with pytest.raises(StorageError) as raised, failing_as("written"):
        raise error
    assert type(raised.value) is kind


def test_waits_double_up_to_the_longest_with_jitter() -> None:
    retries = Retries(max_retries=9, seconds=10)
    for n in range(9):
        middle = min(10 * 2**n, LONGEST_SECONDS)
        waits = [retries.wait(n) for _ in range(200)]
        assert middle / 2 <= min(waits) < middle < max(waits) <= middle * 1.5
