"""The real webserver over real HTTP and WebSockets: what another web page may not do to it, and what its own page may."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.pipeline.webserver.conftest import World
from tests.support.browser import PATIENCE_MILLISECONDS, chromium
from tests.support.serving import serving

LAUNCH = """mutation { launchRun(executionParams: {selector: {repositoryName: "__repository__",
repositoryLocationName: "medsearch", jobName: "inventory_job"}, runConfigData: {}}) { __typename } }"""
SHOWN = "query Shown { version }"
JSON = {"content-type": "application/json"}
OF_ANOTHER_PAGE = {"origin": "https://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}


BEGIN = {"type": "connection_init"}


def start(query: str) -> dict[str, object]:
    return {"type": "start", "id": "1", "payload": {"query": query}}


@pytest.fixture
def http(world: World) -> httpx.Client:
    return httpx.Client(base_url=world.url, timeout=300, trust_env=False)


def say(world: World, *messages: Mapping[str, object], origin: str | None = None, host: str = "localhost") -> list[Any]:
    """What the WebSocket answers to each message."""
    with connect(
        f"ws://{host}/graphql",
        sock=socket.create_connection(("127.0.0.1", world.port)),
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol("graphql-ws")],
        proxy=None,
        open_timeout=300,
    ) as connection:
        answers = []
        for message in messages:
            connection.send(json.dumps(message))
            answers.append(json.loads(connection.recv(120)))
        return answers


@pytest.mark.parametrize(
    ("method", "address", "headers", "body", "status"),
    [
        ("GET", f"/graphql?query={quote(LAUNCH)}", OF_ANOTHER_PAGE, "", 403),
        ("GET", f"/graphql?query={quote(LAUNCH)}", {}, "", 405),
        ("GET", f"/graphql?query={quote(f'{SHOWN} {LAUNCH}')}&operationName=Shown", {}, "", 405),
        ("POST", f"/graphql?query={quote(LAUNCH)}", {"content-type": "text/plain"}, "x", 415),
        ("POST", f"/graphql?query={quote(LAUNCH)}", {}, "", 415),
        ("POST", f"/graphql?query={quote(LAUNCH)}", JSON, "{}", 400),
        ("POST", "/graphql", {"content-type": "application/graphql"}, LAUNCH, 415),
        ("POST", "/graphql", {"content-type": "text/plain; application/json"}, json.dumps({"query": LAUNCH}), 415),
        ("POST", "/graphql", JSON | OF_ANOTHER_PAGE, json.dumps({"query": LAUNCH}), 403),
        ("POST", "/graphql", JSON | {"origin": "null"}, json.dumps({"query": LAUNCH}), 403),
        ("POST", "/graphql", JSON | {"host": "evil.example"}, json.dumps({"query": LAUNCH}), 421),
        ("GET", "/", {"host": "evil.example"}, "", 421),
        ("GET", "/", {"host": "evil.example", "origin": "http://evil.example"}, "", 421),
        ("POST", "/report_asset_materialization/inventory", {}, "", 415),
        ("OPTIONS", "/graphql", {"origin": "https://evil.example", "access-control-request-method": "POST"}, "", 403),
    ],
)
def test_another_web_page_changes_and_reads_nothing(
    world: World, http: httpx.Client, method: str, address: str, headers: dict[str, str], body: str, status: int
) -> None:
    before = world.runs()
    answer = http.request(method, address, headers=headers, content=body)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers
    assert world.runs() == before


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "localhost"),
        ("null", "localhost"),
        ("http://localhost:1", "localhost"),
        ("http://evil.example", "evil.example"),
    ],
)
def test_another_web_page_opens_no_websocket(world: World, origin: str, host: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        say(world, BEGIN, origin=origin, host=host)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("host", ["localhost", "dagster.example.org", "second.example.org"])
def test_its_own_page_gets_through(world: World, http: httpx.Client, host: str) -> None:
    at, own = {"host": host}, {"origin": f"https://{host}", "sec-fetch-site": "same-origin"}
    page = http.get("/runs", headers=at | {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"})
    assert (page.status_code, "<title" in page.text) == (200, True)
    asked = http.post("/graphql?op=Shown", headers=at | own | JSON, content=json.dumps({"query": SHOWN}))
    assert set(asked.json()["data"]) == {"version"}
    subscription = 'subscription { pipelineRunLogs(runId: "none") { __typename } }'
    ready, told = say(world, BEGIN, start(subscription), origin=own["origin"], host=host)
    assert ready == {"type": "connection_ack"}
    assert told["payload"] == {"data": {"pipelineRunLogs": {"__typename": "PipelineRunLogsSubscriptionFailure"}}}


def test_a_mutation_over_the_websocket_does_not_run(world: World) -> None:
    before = world.runs()
    _, answer = say(world, BEGIN, start(LAUNCH))
    assert answer["type"] == "error"
    assert world.runs() == before


@pytest.mark.parametrize("path", ["/", "/graphql", "/server_info", "/favicon.png", "/nothing/here"])
def test_no_page_frames_another_guesses_a_type_or_tells_where_it_was(http: httpx.Client, path: str) -> None:
    headers = http.get(path, headers={"accept": "text/html"}).headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers.get_list("content-security-policy")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_load_balancer_asks_for_health_by_address(http: httpx.Client) -> None:
    assert http.get("/server_info", headers={"host": "10.0.1.17:3000"}).status_code == 200


def test_the_ui_works_in_a_browser_without_an_error(world: World) -> None:
    errors: list[str] = []
    connections: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("response", lambda answer: errors.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
        page.on("websocket", lambda opened: connections.append(opened.url))
        page.goto(f"{world.url}/locations/medsearch/jobs")
        page.get_by_text("inventory_job").first.wait_for()
        page.goto(f"{world.url}/graphql")
        page.locator(".graphiql-container").wait_for()
    assert errors == []
    assert connections == [f"ws://localhost:{world.port}/graphql"]


def test_a_hostile_page_in_a_browser_changes_nothing(world: World) -> None:
    def hostile(_: Request) -> HTMLResponse:
        return HTMLResponse(f"""<iframe src="{world.url}/runs"></iframe>
            <img src="{world.url}/graphql?query={quote(LAUNCH)}">
            <script>
            const asked = "{world.url}/graphql", query = {json.dumps(LAUNCH)}, body = JSON.stringify({{query}});
            const heard = [], socket = new WebSocket(asked.replace("http", "ws"), "graphql-ws");
            const ended = new Promise((then) => {{
              socket.onopen = () => then(heard.push("open"));
              socket.onclose = then;
            }});
            const sent = [
              fetch(asked + "?query=" + encodeURIComponent(query), {{method: "POST", mode: "no-cors", body: "x"}}),
              fetch(asked, {{method: "POST", mode: "no-cors", body, headers: {{"content-type": "text/plain"}}}}),
              fetch(asked, {{method: "POST", body, headers: {{"content-type": "application/json"}}}})
                .then(() => heard.push("read")),
            ];
            window.finished = Promise.allSettled([ended, ...sent]).then(() => heard);
            </script>""")

    before = world.runs()
    with serving(Starlette(routes=[Route("/", hostile)])) as address, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.goto(address)
        assert page.evaluate("window.finished") == []
        assert page.frames[1].evaluate("document.body.innerText.includes('Dagster')") is False
    assert world.runs() == before
