"""What stands in front of the service where users sign in: no viewer, no answer.

Belongs here: which addresses are open, and what is answered to those who may not pass. Not here: what a viewer may see.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from medsearch_api.sign_in.code_flow import CodeFlow
from medsearch_api.sign_in.cookies import Cookies
from medsearch_api.sign_in.issuer import LOG, PAUSE_S, IssuerUnavailable
from medsearch_api.sign_in.options import OidcOptions
from medsearch_api.sign_in.roles import roles_of
from medsearch_api.sign_in.sessions import Sessions
from medsearch_api.sign_in.tokens import TokenRefused, Tokens
from medsearch_api.sign_in.viewer import Role, Viewer, admit

WITHOUT_SIGN_IN = ("/healthz", "/readyz", "/metrics")
"""Paths that need no user."""


OPEN = frozenset({"/", "/sign-in", "/sign-in/callback", "/sign-out", "/session", *WITHOUT_SIGN_IN})
OPEN_BELOW = ("/static/",)
APPSYNC = "/appsync/graphql"
"""Where clients of AppSync ask. They send a token without a scheme, as AWS's own libraries do."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class SignedIn:
    """Lets in who brings a believed token, or the cookie of a session, and has a role. All else is refused.

    A cookie is sent by the browser whoever wrote the page, so a cookie alone changes nothing: a request that is not a plain
    read must also come from the service's own page (Origin header, RFC 6454), and the cookie is SameSite=Strict.
    """

    def __init__(
        self, app: ASGIApp, options: OidcOptions, tokens: Tokens, flow: CodeFlow, sessions: Sessions, cookies: Cookies
    ) -> None:
        self.app = app
        self._options, self._tokens, self._flow, self._sessions, self._cookies = options, tokens, flow, sessions, cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and is_open(scope["path"])):
            return await self.app(scope, receive, send)
        refusal = await self._refusal(scope)
        if refusal is not None:
            return await refusal(scope, receive, send)
        return await self.app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        """Why the request may not pass; None if it may, and then it carries its viewer."""
        connection = HTTPConnection(scope)
        try:
            if (said := connection.headers.get("authorization")) is not None:
                viewer: Viewer | None = await self._bearer(token_in(said, scope["path"]))
            elif not self._is_from_page(connection):
                return refused(403, "FORBIDDEN", "This request does not come from the service's own page.")
            else:
                viewer = await self._of_session(connection)
        except TokenRefused as error:
            LOG.info("a token was refused: %s", error)
            return refused(
                401, "UNAUTHENTICATED", "This token is not accepted.", 'Bearer realm="medsearch", error="invalid_token"'
            )
        except IssuerUnavailable:
            return unavailable()
        if viewer is None:
            return refused(401, "UNAUTHENTICATED", "Sign in first.", 'Bearer realm="medsearch"')
        if not viewer.has(Role.READER):
            challenge = 'Bearer realm="medsearch", error="insufficient_scope"'
            return refused(403, "FORBIDDEN", "This account has no role here.", challenge)
        admit(scope, viewer)
        return None

    async def _bearer(self, token: str) -> Viewer:
        claims = await self._tokens.access(token)
        return Viewer(claims["sub"], roles_of(claims, self._options))

    async def _of_session(self, connection: HTTPConnection) -> Viewer | None:
        session = self._sessions.find(session_id := self._cookies.session_in(connection))
        if session is None:
            return None
        if not await self._flow.is_valid(session):
            self._sessions.end(session_id)
            return None
        return session.viewer

    def _is_from_page(self, connection: HTTPConnection) -> bool:
        reads = connection.scope["type"] == "http" and connection.scope["method"] in READING
        return reads or is_from(connection, self._options.public_url) or self._cookies.session_in(connection) is None


def token_in(said: str, path: str) -> str:
    """The token that an Authorization header brings (RFC 6750 section 2.1); at `APPSYNC` it may also be the whole header.

    Raises:
        TokenRefused: it is in another scheme.
    """
    scheme, _, token = said.partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if path == APPSYNC and not token:
        return scheme
    raise TokenRefused("scheme")


def is_open(path: str) -> bool:
    """Whether an address is for everyone: the page's files, health, and what signs in and out."""
    return path in OPEN or path.startswith(OPEN_BELOW)


def is_from(connection: HTTPConnection, origin: str) -> bool:
    """Whether a browser says that a page of this origin made the request."""
    return connection.headers.get("origin") == origin


def refused(status: int, code: str, sentence: str, challenge: str | None = None) -> Response:
    """A refusal in the form of a GraphQL error, which clients read already."""
    headers = {"www-authenticate": challenge} if challenge else None
    return JSONResponse({"errors": [{"message": sentence, "extensions": {"code": code}}]}, status, headers)


def unavailable() -> Response:
    """Nobody can be told apart now."""
    response = refused(503, "UNAVAILABLE", "Sign-in cannot be checked now. Try again.")
    response.headers["retry-after"] = str(PAUSE_S)
    return response
