"""The guard in front of the service if users sign in: no access without a viewer.

Belongs here: which paths are public, and the responses to rejected requests. Not here: what a viewer may see.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from medsearch_api.sign_in.code_flow import CodeFlow
from medsearch_api.sign_in.cookies import Cookies
from medsearch_api.sign_in.issuer import LOG, RETRY_S, IssuerUnavailable
from medsearch_api.sign_in.options import OidcOptions
from medsearch_api.sign_in.roles import roles_from_claims
from medsearch_api.sign_in.session_store import SessionStore
from medsearch_api.sign_in.tokens import InvalidToken, Tokens
from medsearch_api.sign_in.viewer import Role, Viewer, set_viewer

UNAUTHENTICATED_PATHS = ("/healthz", "/readyz", "/metrics")
"""Paths for monitoring, which need no user."""


PUBLIC_PATHS = frozenset({"/", "/sign-in", "/sign-in/callback", "/sign-out", "/session", *UNAUTHENTICATED_PATHS})
PUBLIC_PREFIXES = ("/static/",)
APPSYNC = "/appsync/graphql"
"""Path for AppSync clients. They send a token without a scheme, as AWS's own libraries do."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RequireSignIn:
    """Admits requests with a valid token or session cookie whose viewer has a role. Rejects everything else.

    Browsers send cookies whatever page makes the request, so a cookie alone is not enough to change anything: a request other
    than a plain read must also come from the service's own page (Origin header, RFC 6454), and the cookie is SameSite=Strict.
    """

    def __init__(
        self, app: ASGIApp, options: OidcOptions, tokens: Tokens, flow: CodeFlow, sessions: SessionStore, cookies: Cookies
    ) -> None:
        self.app = app
        self._options, self._tokens, self._flow, self._sessions, self._cookies = options, tokens, flow, sessions, cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and is_public_path(scope["path"])):
            return await self.app(scope, receive, send)
        refusal = await self._refusal(scope)
        if refusal is not None:
            return await refusal(scope, receive, send)
        return await self.app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        """Return the response that rejects the request, or None to admit it, after setting its viewer."""
        connection = HTTPConnection(scope)
        try:
            if (header := connection.headers.get("authorization")) is not None:
                viewer: Viewer | None = await self._token_viewer(bearer_token(header, scope["path"]))
            elif not self._is_from_page(connection):
                return graphql_error_response(
                    403, "FORBIDDEN", "Cross-origin request rejected. Use the service's own page, or send a bearer token."
                )
            else:
                viewer = await self._session_viewer(connection)
        except InvalidToken as error:
            LOG.info("a token was rejected: %s", error)
            return graphql_error_response(
                401,
                "UNAUTHENTICATED",
                "Invalid token. Sign in again to get a new one.",
                'Bearer realm="medsearch", error="invalid_token"',
            )
        except IssuerUnavailable:
            return unavailable_response()
        if viewer is None:
            return graphql_error_response(401, "UNAUTHENTICATED", "Sign in first.", 'Bearer realm="medsearch"')
        if not viewer.has(Role.READER):
            challenge = 'Bearer realm="medsearch", error="insufficient_scope"'
            return graphql_error_response(
                403, "FORBIDDEN", "This account has no role in medsearch. Ask your administrator for access.", challenge
            )
        set_viewer(scope, viewer)
        return None

    async def _token_viewer(self, token: str) -> Viewer:
        claims = await self._tokens.verify_access_token(token)
        return Viewer(claims["sub"], roles_from_claims(claims, self._options))

    async def _session_viewer(self, connection: HTTPConnection) -> Viewer | None:
        session = await self._flow.find_valid(self._sessions, self._cookies.read_session_id(connection))
        return session.viewer if session else None

    def _is_from_page(self, connection: HTTPConnection) -> bool:
        reads = connection.scope["type"] == "http" and connection.scope["method"] in SAFE_METHODS
        return reads or has_origin(connection, self._options.public_url) or self._cookies.read_session_id(connection) is None


def bearer_token(header: str, path: str) -> str:
    """Return the token of an Authorization header (RFC 6750 section 2.1); at `APPSYNC` it may also be the whole header.

    Raises:
        InvalidToken: the header uses another scheme.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if path == APPSYNC and not token:
        return scheme
    raise InvalidToken("scheme")


def is_public_path(path: str) -> bool:
    """Whether a path is public: the page's files, health checks, sign-in and sign-out."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIXES)


def has_origin(connection: HTTPConnection, origin: str) -> bool:
    """Whether, according to the browser, a page of this origin made the request."""
    return connection.headers.get("origin") == origin


def graphql_error_response(status: int, code: str, sentence: str, challenge: str | None = None) -> Response:
    """Create an error response in the form of a GraphQL error, which clients already understand."""
    headers = {"www-authenticate": challenge} if challenge else None
    return JSONResponse({"errors": [{"message": sentence, "extensions": {"code": code}}]}, status, headers)


def unavailable_response() -> Response:
    """Create the response for requests whose sign-in cannot be checked now."""
    response = graphql_error_response(503, "UNAVAILABLE", "Sign-in cannot be verified right now. Try again.")
    response.headers["retry-after"] = str(RETRY_S)
    return response
