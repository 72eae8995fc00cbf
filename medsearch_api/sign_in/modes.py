"""Authorization modes. Without a setting that selects one, nobody has access.

Belongs here: selecting the mode, the guard it puts in front of the service, and development mode without sign-in. Not here:
sign-in with an issuer (the other modules of `sign_in`), and what a viewer may see (`schema/permissions.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from medsearch_api.settings import Settings
from medsearch_api.sign_in.code_flow import CodeFlow
from medsearch_api.sign_in.cookies import Cookies
from medsearch_api.sign_in.guard import SAFE_METHODS, RequireSignIn
from medsearch_api.sign_in.issuer import Issuer
from medsearch_api.sign_in.options import OidcOptions, read_oidc_options
from medsearch_api.sign_in.routes import SignInRoutes, development_session
from medsearch_api.sign_in.session_store import LocalSessions, SessionStore
from medsearch_api.sign_in.tokens import Tokens
from medsearch_api.sign_in.viewer import Viewer, parse_roles, set_viewer
from medsearch_core.errors import ConfigurationError
from medsearch_core.machine.loopback import is_local_host, is_loopback

DEVELOPMENT, OIDC = "development", "oidc"
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_FORWARDING = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a mode adds to the service: a guard in front of everything, and its own routes."""

    guard: Middleware
    routes: Sequence[Route]


def open_sign_in(settings: Settings, sessions: SessionStore | None = None) -> SignIn:
    """Create the sign-in mode that the settings select.

    Args:
        sessions: where the page's sessions are kept; None for this process.

    Raises:
        ConfigurationError: sign-in is not configured, or not safe on this address.
    """
    if settings.api_sign_in == OIDC:
        return _oidc(read_oidc_options(settings), sessions or LocalSessions())
    if settings.api_sign_in != DEVELOPMENT:
        raise ConfigurationError(
            f"Sign-in is not configured. Set MEDSEARCH_API_SIGN_IN={OIDC} and configure an issuer. To try the service on this "
            f"machine without sign-in, set MEDSEARCH_API_SIGN_IN={DEVELOPMENT}; it then listens on 127.0.0.1 only."
        )
    if not is_local_host(settings.api_host):
        raise ConfigurationError(
            f"MEDSEARCH_API_SIGN_IN={DEVELOPMENT} requires no sign-in, so the service may listen on loopback only. Set "
            "MEDSEARCH_API_HOST=127.0.0.1."
        )
    viewer = Viewer(DEVELOPMENT, parse_roles([settings.api_development_role]))
    return SignIn(Middleware(LoopbackOnly, viewer), [Route("/session", development_session)])


def _oidc(options: OidcOptions, sessions: SessionStore) -> SignIn:
    issuer = Issuer(options.issuer)
    tokens, cookies = Tokens(issuer, options), Cookies(options.is_https)
    flow = CodeFlow(issuer, tokens, options)
    guard = Middleware(RequireSignIn, options, tokens, flow, sessions, cookies)
    return SignIn(guard, SignInRoutes(options, flow, sessions, cookies).routes())


class LoopbackOnly:
    """Admits only programs on this machine that address it by a loopback name.

    The Host header is checked to prevent DNS rebinding: a website whose name resolves to 127.0.0.1 still sends its own name.
    Pages of other sites cannot read responses, but could send requests other than plain reads, such as forms with files; the
    Origin header identifies these (RFC 6454).
    A forwarding header means that a proxy acts for somebody else, wherever the proxy runs.
    """

    def __init__(self, app: ASGIApp, viewer: Viewer) -> None:
        self.app = app
        self._viewer = viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        refusal = self._refusal(HTTPConnection(scope))
        if refusal is None:
            set_viewer(scope, self._viewer)
            return await self.app(scope, receive, send)
        return await refusal(scope, receive, send)

    def _refusal(self, connection: HTTPConnection) -> PlainTextResponse | None:
        client = connection.client
        if client is None or not is_loopback(client.host) or any(h in connection.headers for h in _FORWARDING):
            return PlainTextResponse(
                "Without sign-in, the service can be used from this machine only. Connect directly, not through a proxy.", 403
            )
        if _host_name(connection.headers.get("host", "")) not in _LOCAL_NAMES:
            return PlainTextResponse("Use localhost or 127.0.0.1 to reach this service.", 400)
        if connection.scope.get("method") not in SAFE_METHODS and not _is_same_origin(connection):
            return PlainTextResponse("Cross-origin request rejected. In a browser, use the service's own page.", 403)
        return None


def _is_same_origin(connection: HTTPConnection) -> bool:
    """Whether the request comes from this service's own page, or not from a browser page at all."""
    origin = connection.headers.get("origin")
    return origin is None or origin.lower() == f"{connection.url.scheme}://{connection.headers.get('host', '').lower()}"


def _host_name(host: str) -> str:
    """Return the name in a Host header, without port and brackets (RFC 9110 section 7.2)."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
