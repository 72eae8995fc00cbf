"""Who may ask the embedder: who knows the token; without one, programs of this machine alone."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from medsearch_core.errors import ConfigurationError
from medsearch_core.loopback import is_local_host
from medsearch_pipeline.embedder.errors import ErrorResponse

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
OPEN = "/healthz"


def access_of(host: str, token: str) -> list[Middleware]:
    """What stands in front of an embedder that listens there.

    A web page may send requests to this machine, also under a name of its own (DNS rebinding): without a token the Host header
    must be a local name, and what a browser sends (it says so by Origin) is refused always.

    Raises:
        ConfigurationError: it may be reached from elsewhere, and there is no token.
    """
    if token:
        return [Middleware(Guard, token)]
    if not is_local_host(host):
        raise ConfigurationError(
            "The embedder would answer anyone on this address: set MEDSEARCH_EMBEDDER_TOKEN to a secret, or "
            "MEDSEARCH_EMBEDDER_HOST=127.0.0.1"
        )
    return [Middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES, www_redirect=False), Middleware(Guard, "")]


class Guard:
    """Lets in requests with the bearer token, where there is one, that no browser sent. Health is for everyone."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._expected = f"Bearer {token}".encode() if token else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == OPEN:
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if "origin" in headers:
            return await ErrorResponse(403, "forbidden", "web pages may not ask the embedder").response()(scope, receive, send)
        said = headers.get("authorization", "").encode("latin-1")
        if self._expected and not hmac.compare_digest(said, self._expected):
            refusal = ErrorResponse(401, "unauthorized", "the embedder's token is missing or another one").response()
            refusal.headers["www-authenticate"] = 'Bearer realm="medsearch embedder"'
            return await refusal(scope, receive, send)
        return await self.app(scope, receive, send)
