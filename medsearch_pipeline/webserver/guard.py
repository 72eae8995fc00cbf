"""Which requests reach Dagster's webserver: those of its own pages and of programs, never those of other web pages.

Belongs here: the decision, `check_request`, and the ASGI wrapper around it. A browser sends requests for any page that it
shows, from inside the network and with the user's cookies. Host (DNS rebinding), Origin and Sec-Fetch-Site show which page it
was.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_core.machine.loopback import is_local_host

HEALTH = "/server_info"
"""Dagster's versions. Load balancers request it by a task's IP address, so any Host is accepted."""
GRAPHQL = "/graphql"
JSON = "application/json"
OPERATION = "op"
"""The one URL parameter that Dagster's UI adds to a POST: the name of its query, for logs."""
POLICY_VIOLATION = 1008
"""RFC 6455 section 7.4.1."""

SECURITY_HEADERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer, browsers would send the UI's own POSTs with Origin null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
NO_FRAMES = "frame-ancestors 'none'"
"""Sent in addition to the content security policy of Dagster's page: browsers enforce both."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?")


@dataclass(frozen=True)
class ErrorResponse:
    """The response to a request that must not reach Dagster.

    Args:
        status: the HTTP status; a WebSocket handshake is refused with 403.
        message: one sentence for the client.
    """

    status: int
    message: str


FOREIGN_HOST = ErrorResponse(421, "Unknown host name: add it to MEDSEARCH_WEBSERVER_HOSTS, or set MEDSEARCH_DAGSTER_URL.")
FOREIGN_PAGE = ErrorResponse(403, "Requests from other web pages are refused.")
WRONG_METHOD = ErrorResponse(405, "Only GET, HEAD and POST are allowed.")
QUERY_BY_GET = ErrorResponse(405, "Send GraphQL by POST.")
QUERY_IN_URL = ErrorResponse(400, "Send the parameters of a POST in its body.")
NOT_JSON = ErrorResponse(415, f"Send a body of type {JSON}.")


def check_request(scope: Scope, hosts: Set[str]) -> ErrorResponse | None:
    """The error response to a request or WebSocket handshake; None if it may reach Dagster.

    Args:
        scope: of ASGI, `http` or `websocket`.
        hosts: the webserver's host names, in lower case, besides those of this machine.
    """
    headers = Headers(scope=scope)
    method = scope["method"] if scope["type"] == "http" else "GET"
    is_read, path = method in ("GET", "HEAD"), scope["path"].rstrip("/")
    is_health = scope["type"] == "http" and is_read and path.endswith(HEALTH)
    if not (is_health or _is_known(headers.getlist("host"), hosts)):
        return FOREIGN_HOST
    if _is_from_another_page(headers, may_be_link=scope["type"] == "http" and is_read and not path.endswith(GRAPHQL)):
        return FOREIGN_PAGE
    if scope["type"] == "websocket":
        return None  # Dagster uses it only for subscriptions
    if method == "POST":
        return _check_post(headers, scope["query_string"])
    if not is_read:
        return WRONG_METHOD
    # Dagster runs any query in a URL, even mutations, unless HTML is requested: that is the GraphiQL editor.
    return QUERY_BY_GET if path.endswith(GRAPHQL) and "text/html" not in headers.get("accept", "") else None


def _is_known(given: list[str], hosts: Set[str]) -> bool:
    match = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
    return match is not None and (is_local_host(match["name"].strip("[]")) or match["name"] in hosts)


def _is_from_another_page(headers: Headers, may_be_link: bool) -> bool:
    """Whether a browser sent it for a page of another origin. Programs send neither header; following a link is allowed."""
    host = headers.get("host", "").lower()
    if any(origin.lower() not in (f"http://{host}", f"https://{host}") for origin in headers.getlist("origin")):
        return True
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return False
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (may_be_link and is_link)


def _check_post(headers: Headers, query_string: bytes) -> ErrorResponse | None:
    """Requires JSON: a page of another origin cannot send it without permission (CORS), which Dagster never gives."""
    types = headers.getlist("content-type")
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != JSON:
        return NOT_JSON
    given = {name for name, _ in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)}
    return None if given <= {OPERATION} else QUERY_IN_URL


class Guard:
    """Answers requests that `check_request` rejects, and forbids framing by other pages."""

    def __init__(self, app: ASGIApp, hosts: Set[str]) -> None:
        self.app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.append("content-security-policy", NO_FRAMES)
            await send(message)

        if scope["type"] == "lifespan" or (error := check_request(scope, self._hosts)) is None:
            return await self.app(scope, receive, with_headers)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": error.message})
        return await PlainTextResponse(error.message + "\n", error.status)(scope, receive, with_headers)
