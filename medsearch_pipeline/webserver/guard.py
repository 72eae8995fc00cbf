"""Which requests reach Dagster's webserver: those of its own pages and of programs, never those of another web page.

Belongs here: the decision, `refusal_of`, and the ASGI wrapper around it. A browser sends requests for any page that it shows,
from inside the network and with the user's cookies. Host (DNS rebinding), Origin and Sec-Fetch-Site tell which page it was.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medsearch_core.loopback import is_local_host

HEALTH = "/server_info"
"""Dagster's versions. Load balancers ask for it by the address of a task, so it is answered under any name."""
GRAPHQL = "/graphql"
JSON = "application/json"
OPERATION = "op"
"""The one parameter that Dagster's UI puts into the address of a POST: the name of its query, for logs."""
POLICY_VIOLATION = 1008
"""RFC 6455 section 7.4.1."""

SECURITY_HEADERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # not no-referrer, with which browsers send the UI's own POSTs as of Origin null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
NO_FRAMES = "frame-ancestors 'none'"
"""Sent beside the content security policy of Dagster's page: browsers enforce both."""

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?")


@dataclass(frozen=True)
class Refusal:
    """Why a request does not reach Dagster.

    Args:
        status: of HTTP; a WebSocket is refused with 403.
        reason: one sentence for whoever sent it.
    """

    status: int
    reason: str


FOREIGN_HOST = Refusal(421, "Unknown host name: add it to MEDSEARCH_WEBSERVER_HOSTS, or set MEDSEARCH_DAGSTER_URL.")
FOREIGN_PAGE = Refusal(403, "Requests from other web pages are refused.")
WRONG_METHOD = Refusal(405, "Only GET, HEAD and POST are allowed.")
QUERY_BY_GET = Refusal(405, "Send GraphQL by POST.")
QUERY_IN_URL = Refusal(400, "Send the parameters of a POST in its body.")
NOT_JSON = Refusal(415, f"Send a body of type {JSON}.")


def refusal_of(scope: Scope, hosts: Set[str]) -> Refusal | None:
    """Why a request or WebSocket handshake is refused; None if Dagster may answer it.

    Args:
        scope: of ASGI, `http` or `websocket`.
        hosts: names, in lower case, that the webserver has beside those of this machine.
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
        return None  # Dagster runs subscriptions alone over it
    if method == "POST":
        return _refusal_of_post(headers, scope["query_string"])
    if not is_read:
        return WRONG_METHOD
    # Dagster runs any query of an address, mutations too, unless a page is asked for: that is the GraphiQL editor.
    return QUERY_BY_GET if path.endswith(GRAPHQL) and "text/html" not in headers.get("accept", "") else None


def _is_known(given: list[str], hosts: Set[str]) -> bool:
    match = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
    return match is not None and (is_local_host(match["name"].strip("[]")) or match["name"] in hosts)


def _is_from_another_page(headers: Headers, may_be_link: bool) -> bool:
    """Whether a browser sent it for a page of another origin. Programs send neither header; a link may be followed."""
    host = headers.get("host", "").lower()
    if any(origin.lower() not in (f"http://{host}", f"https://{host}") for origin in headers.getlist("origin")):
        return True
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return False
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (may_be_link and is_link)


def _refusal_of_post(headers: Headers, query_string: bytes) -> Refusal | None:
    """A page of another origin cannot send JSON without being asked for permission (CORS), which Dagster never gives."""
    types = headers.getlist("content-type")
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != JSON:
        return NOT_JSON
    given = {name for name, _ in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)}
    return None if given <= {OPERATION} else QUERY_IN_URL


class Guard:
    """Refuses what `refusal_of` refuses, and has no page put into a frame of another."""

    def __init__(self, app: ASGIApp, hosts: Set[str]) -> None:
        self.app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                headers.append("content-security-policy", NO_FRAMES)
            await send(message)

        if scope["type"] == "lifespan" or (refusal := refusal_of(scope, self._hosts)) is None:
            return await self.app(scope, receive, with_headers)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.reason})
        return await PlainTextResponse(refusal.reason + "\n", refusal.status)(scope, receive, with_headers)
