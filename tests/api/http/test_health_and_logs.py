"""What operators see: probes, measurements, request ids, log lines."""

from __future__ import annotations

import logging
import sys

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from medsearch_api.app import create_app
from medsearch_api.backends.context import Backends, open_backends
from medsearch_api.http.logs import JsonLines
from medsearch_api.sign_in.guard import UNAUTHENTICATED_PATHS
from medsearch_core.errors import StorageError
from tests.support.api_client import asking, local_client, settings_of
from tests.support.hospital import EFFUSION, fill


class Broken:
    """An index that cannot be read."""

    def __getattr__(self, name):
        def fail(*args):
            raise StorageError("Jane Doe")

        return fail


def over(hospital, index):
    return create_app(settings_of(hospital), lambda settings: Backends(index, open_backends(settings).warehouse))


class Grown:
    """How much a measurement has grown since this was made."""

    def __init__(self, name, **labels):
        self._asked = (name, labels)
        self._before = self._value()

    def _value(self):
        return REGISTRY.get_sample_value(*self._asked) or 0

    def by(self):
        return self._value() - self._before


def fields(field, code, schema="medsearch"):
    return Grown("medsearch_graphql_fields_total", schema=schema, field=field, code=code)


def test_the_process_is_up_and_ready(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    expected = {"status": "ok", "index": "ok", "warehouse": "ok", "decoding": "unknown"}
    assert (ready.status_code, ready.json()) == (200, expected)


def test_before_the_first_run_it_is_ready(tmp_path):
    assert local_client(create_app(settings_of(tmp_path))).get("/readyz").status_code == 200


def test_a_process_whose_index_fails_is_up_but_not_ready(hospital):
    client = local_client(over(hospital, Broken()))
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        503,
        {"status": "unavailable", "index": "unavailable", "warehouse": "ok", "decoding": "unknown"},
    )


def test_a_process_whose_warehouse_is_gone_is_not_ready_until_it_is_back(tmp_path):
    fill(tmp_path, [EFFUSION])
    client = local_client(create_app(settings_of(tmp_path)))
    (tmp_path / "warehouse").rename(tmp_path / "elsewhere")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["warehouse"], ready.json()["index"]) == (503, "unavailable", "ok")
    (tmp_path / "elsewhere").rename(tmp_path / "warehouse")
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    "damage",
    [
        lambda index: next(index.glob("*/*.segment")).write_bytes(b"short"),
        lambda index: next(index.glob("*/manifest")).unlink(),
        lambda index: index.joinpath("current").unlink(),
        lambda index: index.rename(index.with_name("elsewhere")),
    ],
    ids=["truncated segment", "lost manifest", "lost pointer", "lost folder"],
)
def test_a_process_whose_index_is_damaged_is_not_ready_and_says_so_to_clients(tmp_path, damage):
    fill(tmp_path, [EFFUSION])
    client = local_client(create_app(settings_of(tmp_path)))
    assert client.get("/readyz").status_code == 200
    damage(tmp_path / "index")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["index"]) == (503, "unavailable")
    answer = client.post("/graphql", json={"query": '{ searchReports(query: "effusion") { totalCount } }'}).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAVAILABLE"]


def test_the_old_address_is_gone(client):
    assert client.get("/health").status_code == 404


def test_requests_are_counted_by_route_and_status(client):
    found = Grown("medsearch_requests_total", method="GET", route="/thumbnails/{patient}/{study}/{image}.png", status="200")
    missing = Grown("medsearch_requests_total", method="GET", route="/thumbnails/{patient}/{study}/{image}.png", status="404")
    timed = Grown("medsearch_request_seconds_count", route="/thumbnails/{patient}/{study}/{image}.png")
    nowhere = Grown("medsearch_requests_total", method="OTHER", route="-", status="404")
    client.get("/thumbnails/p1/s1/1.1.png")
    client.get("/thumbnails/p1/s1/9.9.png")
    client.request("JANE", "/Doe")
    assert (found.by(), missing.by(), timed.by(), nowhere.by()) == (1, 1, 2, 1)


def test_root_fields_are_counted_by_their_own_names_and_codes(client, ask):
    index, image, likeness = fields("index", "OK"), fields("image", "OK"), fields("similarImages", "OK")
    ask(
        """query Q { ...spread jane: image(id: "1.1") { id } ... { index { images } } }
        fragment spread on Query { doe: similarImages(imageId: "1.1") { edges { rank } } }"""
    )
    assert (index.by(), image.by(), likeness.by()) == (1, 1, 1)
    bad, beside = fields("searchReports", "LIMIT_EXCEEDED"), fields("image", "CANCELLED")
    ask('{ jane: searchReports(first: 201) { totalCount } image(id: "1.1") { id } }')
    assert (bad.by(), beside.by(), image.by()) == (1, 1, 1)


def test_only_the_operation_that_was_asked_for_is_counted(client):
    one, other = fields("index", "OK"), fields("image", "OK")
    document = 'query A { index { images } } query B { image(id: "1.1") { id } }'
    client.post("/graphql", json={"query": document, "operationName": "A"})
    assert (one.by(), other.by()) == (1, 0)


@pytest.mark.parametrize(
    "query", ["{ janeDoe }", "{", "{ index { images(jane: 1) } }", "query ($q: Int!) { index { images } }"]
)
def test_a_refused_document_is_counted_without_its_names(ask, query):
    refused = fields("-", "BAD_USER_INPUT")
    ask(query)
    assert refused.by() == 1


def test_the_samples_schema_is_counted_apart(client):
    one = fields("getReport", "OK", "appsync")
    client.post("/appsync/graphql", json={"query": "{ getReport { ReportId } }"})
    assert one.by() == 1


def test_an_index_that_fails_is_seen_in_the_counts(hospital):
    failed = Grown("medsearch_backend_calls_total", backend="index", call="current", outcome="StorageError")
    told = fields("searchReports", "UNAVAILABLE")
    asking(local_client(over(hospital, Broken())))("{ searchReports { totalCount } }")
    assert (failed.by(), told.by()) == (1, 1)


def test_calls_of_backends_are_counted_and_timed(client, ask):
    searched = Grown("medsearch_backend_calls_total", backend="index", call="text", outcome="OK")
    timed = Grown("medsearch_backend_seconds_count", backend="index", call="text")
    read = Grown("medsearch_backend_calls_total", backend="warehouse", call="read", outcome="OK")
    missing = Grown("medsearch_backend_calls_total", backend="warehouse", call="read", outcome="ObjectNotFound")
    ask('{ searchReports(query: "effusion") { totalCount } }')
    client.get("/thumbnails/p1/s1/1.1.png")
    client.get("/thumbnails/p1/s1/9.9.png")
    assert (searched.by(), timed.by(), read.by(), missing.by()) == (1, 1, 1, 1)


def test_measurements_hold_nothing_that_was_asked_or_found(client, ask):
    ask('{ jane: searchReports(query: "Jane Doe effusion") { nodes { id text } } }')
    ask('{ janeDoe(id: "p1") { id } }')
    client.request("JANE", "/Jane/Doe?name=Jane")
    client.get("/thumbnails/p1/s1/1.1.png")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    ours = [f for f in text_string_to_metric_families(response.text) if f.name.startswith("medsearch_")]
    values = {value for family in ours for sample in family.samples for value in sample.labels.values()}
    assert values >= {"/graphql", "searchReports", "text", "-"}
    assert [v for v in values if any(word in v.lower() for word in ("jane", "doe", "effusion", "1.1"))] == []
    assert values.isdisjoint({"p1", "s1"})
    assert "python_info" in response.text


@pytest.mark.parametrize("path", UNAUTHENTICATED_PATHS)
def test_what_needs_no_sign_in_is_never_stored_and_names_no_patient(client, path):
    response = client.get(path)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert not any(word in response.text for word in ("THE-PATIENT-ID", "p1/", "s1/", "1.1.png", "effusion"))


@pytest.mark.parametrize("given", ["0123456789abcdef", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", "a" * 64])
def test_a_safe_request_id_is_kept(client, given):
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize(
    "given", [None, "", "Jane-Doe-1950-01-01", "p10000032", "1.2.840.10008.1.2.4.50", "a" * 65, "0123456789abcdef\t1", "-" * 20]
)
def test_any_other_is_replaced(client, given):
    headers = {} if given is None else {"X-Request-ID": given}
    (made,) = client.get("/healthz", headers=headers).headers.get_list("x-request-id")
    assert made != given
    assert len(made) == 32


def test_a_refused_request_has_an_id_too(hospital):
    response = local_client(create_app(settings_of(hospital))).get("/healthz", headers={"host": "evil.example"})
    assert (response.status_code, len(response.headers["x-request-id"])) == (400, 32)


def test_a_line_tells_an_exceptions_type_and_place_and_never_its_message():
    try:
        raise ValueError("Jane Doe")
    except ValueError:
        raised = sys.exc_info()
    record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "Task failed\nValueError('%s')", ("Jane Doe",), raised)
    record.query = "Jane Doe"
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "Jane" not in line
    assert '"message":"Task failed"' in line
    assert '"exc_info":"ValueError at test_health_and_logs.py:' in line
