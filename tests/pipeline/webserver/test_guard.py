"""Which requests are let through to Dagster, decided from their headers alone."""

from __future__ import annotations

import pytest
from starlette.types import Scope

from medsearch_pipeline.webserver.guard import (
    FOREIGN_HOST,
    FOREIGN_PAGE,
    NOT_JSON,
    QUERY_BY_GET,
    QUERY_IN_URL,
    WRONG_METHOD,
    check_request,
)

HOSTS = frozenset({"dagster.example.org"})
AT = ("host", "dagster.example.org")
JSON = ("content-type", "application/json")


def request(method: str, path: str, *headers: tuple[str, str]) -> Scope:
    """A request as ASGI describes it; `WS` is a WebSocket's handshake."""
    path, _, query = path.partition("?")
    kind = {"type": "websocket"} if method == "WS" else {"type": "http", "method": method}
    return kind | {
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:3000",
        "127.0.0.1:3000",
        "127.8.0.1",
        "[::1]:3000",
        "dagster.example.org",
        "Dagster.Example.ORG:443",
    ],
)
def test_it_answers_to_its_own_names(host: str) -> None:
    assert check_request(request("GET", "/", ("host", host)), HOSTS) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "dagster.example.org.",
        "x.dagster.example.org",
        "localhost@evil.example",
        "10.0.0.7",
        "0.0.0.0",
        "[::]",
        "localhost:",
        "localhost:3000/x",
        "localhost,evil.example",
        " localhost",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "WS"])
def test_no_other_name_is_answered(host: str, method: str) -> None:
    assert check_request(request(method, "/graphql", ("host", host), JSON), HOSTS) == FOREIGN_HOST


def test_a_request_names_one_host() -> None:
    assert check_request(request("GET", "/"), HOSTS) == FOREIGN_HOST
    assert check_request(request("GET", "/", AT, ("host", "localhost")), HOSTS) == FOREIGN_HOST


@pytest.mark.parametrize("path", ["/server_info", "/dagster/server_info"])
def test_a_load_balancer_may_ask_for_health_by_address(path: str) -> None:
    assert check_request(request("GET", path, ("host", "10.0.1.17:3000")), HOSTS) is None
    assert check_request(request("POST", path, ("host", "10.0.1.17:3000"), JSON), HOSTS) == FOREIGN_HOST


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "https://dagster.example.org:8443",
        "https://dagster.example.org.evil.example",
        "file://",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "WS"])
def test_another_pages_request_is_refused_by_its_origin(origin: str, method: str) -> None:
    assert check_request(request(method, "/graphql", AT, JSON, ("origin", origin)), HOSTS) == FOREIGN_PAGE


def test_every_origin_of_a_request_counts() -> None:
    origins = [("origin", "https://dagster.example.org"), ("origin", "https://evil.example")]
    assert check_request(request("POST", "/graphql", AT, JSON, *origins), HOSTS) == FOREIGN_PAGE


def test_another_port_of_this_machine_is_another_page() -> None:
    headers = [("host", "localhost:3000"), JSON, ("origin", "http://localhost:8000")]
    assert check_request(request("POST", "/graphql", *headers), HOSTS) == FOREIGN_PAGE


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(("mode", "dest"), [("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")])
def test_another_pages_request_is_refused_without_an_origin_too(site: str, mode: str, dest: str) -> None:
    fetched = [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)]
    assert check_request(request("GET", "/runs", AT, *fetched), HOSTS) == FOREIGN_PAGE


def test_a_link_from_elsewhere_opens_a_page_but_no_query() -> None:
    link = [AT, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
    assert check_request(request("GET", "/runs/4d3c", *link), HOSTS) is None
    assert check_request(request("GET", "/graphql?query=x", *link, ("accept", "text/html")), HOSTS) == FOREIGN_PAGE
    assert check_request(request("POST", "/runs/4d3c", *link, JSON), HOSTS) == FOREIGN_PAGE
    assert check_request(request("WS", "/graphql", *link), HOSTS) == FOREIGN_PAGE


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/dagster/graphql", "/graphql?query=mutation{x}"])
def test_graphql_is_not_asked_by_get(path: str) -> None:
    assert check_request(request("GET", path, AT), HOSTS) == QUERY_BY_GET
    assert check_request(request("HEAD", path, AT, ("accept", "*/*")), HOSTS) == QUERY_BY_GET


def test_the_graphiql_page_opens() -> None:
    assert check_request(request("GET", "/graphql", AT, ("accept", "text/html,*/*;q=0.8")), HOSTS) is None


@pytest.mark.parametrize(
    "given",
    [
        [],
        [("content-type", "text/plain")],
        [("content-type", "text/plain; application/json")],
        [("content-type", "application/graphql")],
        [("content-type", "multipart/form-data; boundary=x")],
        [("content-type", "application/x-www-form-urlencoded")],
        [JSON, ("content-type", "text/plain")],
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/inventory"])
def test_a_post_carries_json(path: str, given: list[tuple[str, str]]) -> None:
    assert check_request(request("POST", path, AT, *given), HOSTS) == NOT_JSON


@pytest.mark.parametrize(
    "path", ["/graphql?query=mutation{x}", "/graphql?op=x&query=y", "/graphql?query", "/report_asset_check/a?passed=true"]
)
def test_a_post_says_everything_in_its_body(path: str) -> None:
    assert check_request(request("POST", path, AT, JSON), HOSTS) == QUERY_IN_URL


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(method: str) -> None:
    assert check_request(request(method, "/graphql", AT, JSON), HOSTS) == WRONG_METHOD


@pytest.mark.parametrize(
    "asked",
    [
        request("POST", "/graphql?op=Root", AT, ("content-type", "Application/JSON; charset=utf-8")),
        request("POST", "/graphql", AT, JSON, ("origin", "https://dagster.example.org"), ("sec-fetch-site", "same-origin")),
        request("WS", "/graphql", AT, ("origin", "https://dagster.example.org"), ("sec-fetch-site", "same-origin")),
        request("WS", "/graphql", AT),
        request("GET", "/runs", AT, ("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")),
        request("HEAD", "/favicon.png", AT),
    ],
)
def test_the_ui_and_programs_get_through(asked: Scope) -> None:
    assert check_request(asked, HOSTS) is None


def test_every_error_has_its_status() -> None:
    errors = (FOREIGN_HOST, FOREIGN_PAGE, WRONG_METHOD, QUERY_BY_GET, QUERY_IN_URL, NOT_JSON)
    assert [error.status for error in errors] == [421, 403, 405, 405, 400, 415]
