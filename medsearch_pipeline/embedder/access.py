"""Authorization for the embedder: a bearer token; without one, only programs on this machine."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.loopback import is_local_host
from medsearch_pipeline.embedder.errors import ErrorResponse

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
OPEN = "/healthz"


def access_of(host: str, token: str) -> list[Middleware]:
    """The guard of an embedder that listens on this host.

    Web pages can send requests to this machine, even under their own host name (DNS rebinding). So without a token the Host
    header must be a local name, and requests from browsers (with an Origin header) are always refused.

    Raises:
        ConfigurationError: other machines can reach it, and no token is set.
    """
    if token:
        return [Middleware(Guard, token)]
    if not is_local_host(host):
        raise ConfigurationError(
            "The embedder would be open to everyone at this address: set MEDSEARCH_EMBEDDER_TOKEN to a secret, or "
            "MEDSEARCH_EMBEDDER_HOST=127.0.0.1"
        )
    return [Middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES, www_redirect=False), Middleware(Guard, "")]


class Guard:
    """Admits requests that have the bearer token, if one is set, and do not come from a browser. Health is open to
    everyone."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._expected = f"Bearer {token}".encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == OPEN:
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if "origin" in headers:
            return await ErrorResponse(403, "forbidden", "web pages may not call the embedder").response()(scope, receive, send)
        said = headers.get("authorization", "").encode("latin-1")
        if self._expected and not hmac.compare_digest(said, self._expected):
            response = ErrorResponse(401, "unauthorized", "the embedder's token is missing or wrong").response()
            response.headers["www-authenticate"] = 'Bearer realm="medsearch embedder"'
            return await response(scope, receive, send)
        return await self.app(scope, receive, send)
