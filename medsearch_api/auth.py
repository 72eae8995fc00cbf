"""Who may ask. Without a setting that says so, nobody.

Belongs here: checking the sign-in settings, and the guard each of them puts in front of the service. Not here: what a user
who was let in may do.
"""

from __future__ import annotations

from ipaddress import ip_address

from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from medsearch_api.settings import Settings
from medsearch_core.errors import ConfigurationError

DEVELOPMENT = "development"
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def guard(settings: Settings) -> Middleware:
    """The middleware that turns away whoever may not ask.

    Raises:
        ConfigurationError: sign-in is not configured, or not safe on this address.
    """
    if settings.api_sign_in != DEVELOPMENT:
        raise ConfigurationError(
            "Sign-in is not configured, so nothing is served. To try the service on this machine alone, without sign-in, "
            f"set MEDSEARCH_API_SIGN_IN={DEVELOPMENT}; it then answers on 127.0.0.1 only."
        )
    if settings.api_host != "localhost" and not is_loopback(settings.api_host):
        raise ConfigurationError(
            f"MEDSEARCH_API_SIGN_IN={DEVELOPMENT} asks nobody to sign in, so it may listen on loopback only: "
            "set MEDSEARCH_API_HOST=127.0.0.1."
        )
    return Middleware(LoopbackOnly)


def is_loopback(host: str) -> bool:
    """Whether an IP address is this machine's own; a name is not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class LoopbackOnly:
    """Lets in only programs of this machine that address it by a name of its own.

    The Host header is checked against DNS rebinding: a web page whose name was pointed at 127.0.0.1 still sends that name.
    A forwarding header means that a proxy speaks for somebody else, wherever that proxy runs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        refusal = self._refusal(HTTPConnection(scope))
        if refusal is None:
            return await self.app(scope, receive, send)
        return await refusal(scope, receive, send)

    def _refusal(self, connection: HTTPConnection) -> PlainTextResponse | None:
        client = connection.client
        if client is None or not is_loopback(client.host) or any(h in connection.headers for h in _FORWARDING):
            return PlainTextResponse("Only this machine may use a service without sign-in.", 403)
        if _name(connection.headers.get("host", "")) not in _LOCAL_NAMES:
            return PlainTextResponse("Address this service as localhost or 127.0.0.1.", 400)
        return None


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets (RFC 9110 section 7.2)."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
