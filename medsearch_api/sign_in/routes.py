"""HTTP routes of the page's sign-in and sign-out.

Belongs here: translating browser requests to steps of the code flow, and its results to responses. Redirect targets never come
from the request, so there is no open redirect; the page itself remembers where the user was.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from medsearch_api.sign_in.code_flow import CodeFlow, PendingSignIn, SignInError
from medsearch_api.sign_in.cookies import Cookies
from medsearch_api.sign_in.guard import graphql_error_response, has_origin, unavailable_response
from medsearch_api.sign_in.issuer import LOG, IssuerUnavailable
from medsearch_api.sign_in.options import OidcOptions
from medsearch_api.sign_in.session_store import SessionStore
from medsearch_api.sign_in.viewer import get_viewer


class SignInRoutes:
    """`/sign-in`, its callback, `/sign-out` and `/session`."""

    def __init__(self, options: OidcOptions, flow: CodeFlow, sessions: SessionStore, cookies: Cookies) -> None:
        self._options, self._flow, self._sessions, self._cookies = options, flow, sessions, cookies

    def routes(self) -> list[Route]:
        """Return the routes for `create_app`."""
        return [
            Route("/sign-in", self.sign_in),
            Route("/sign-in/callback", self.callback),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/session", self.session),
        ]

    async def sign_in(self, request: Request) -> Response:
        """Redirect the browser to the issuer."""
        pending = PendingSignIn.new()
        try:
            response = RedirectResponse(await self._flow.authorization_url(pending), 303)
        except IssuerUnavailable:
            return _message_page("Sign-in is temporarily unavailable. Try again in a moment.", 503)
        self._cookies.set_pending(response, pending)
        return response

    async def callback(self, request: Request) -> Response:
        """Process the issuer's answer, open a new session and redirect to the page."""
        try:
            session = await self._flow.complete(request.query_params, self._cookies.read_pending(request))
            await self._sessions.end(self._cookies.read_session_id(request))
            session_id = await self._sessions.open(session)
        except SignInError as error:
            LOG.info("a sign-in failed: %s", error)
            response: Response = _message_page("Sign-in failed. Try again.", 400)
        except IssuerUnavailable:
            response = _message_page("Sign-in is temporarily unavailable. Try again in a moment.", 503)
        else:
            response = RedirectResponse("/", 303)
            self._cookies.set_session(response, session_id)
        self._cookies.clear_pending(response)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session, and return the URL at which the issuer ends its own. For the page itself only."""
        if not has_origin(request, self._options.public_url):
            return graphql_error_response(403, "FORBIDDEN", "Cross-origin request rejected. Use the service's own page.")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return graphql_error_response(415, "BAD_USER_INPUT", "Send a JSON body with content-type application/json.")
        try:
            session = await self._sessions.end(self._cookies.read_session_id(request))
        except IssuerUnavailable:
            return unavailable_response()
        # the browser's cache may still contain images of patients
        response = JSONResponse({"address": await self._flow.sign_out(session)}, headers={"clear-site-data": '"cache"'})
        self._cookies.clear_session(response)
        return response

    async def session(self, request: Request) -> Response:
        """Return who is signed in, for the page: a name and roles, never a token."""
        try:
            session = await self._flow.find_valid(self._sessions, self._cookies.read_session_id(request))
        except IssuerUnavailable:
            return unavailable_response()
        if session is None:
            return JSONResponse({"signIn": "oidc", "signedIn": False, "name": "", "roles": []})
        roles = sorted(session.viewer.roles)
        return JSONResponse({"signIn": "oidc", "signedIn": True, "name": session.name, "roles": roles})


async def development_session(request: Request) -> Response:
    """Return the session of development mode, in which everyone on this machine has the configured role."""
    roles = sorted(get_viewer(request.scope).roles)
    return JSONResponse({"signIn": "development", "signedIn": True, "name": "", "roles": roles})


def _message_page(text: str, status: int) -> Response:
    """Create a page with one fixed sentence and nothing from the request."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>medsearch</title>'
        '<link rel="stylesheet" href="/static/base.css">'
        f'<main class="note"><h2>{text}</h2><p><a class="link" href="/">Back to medsearch</a></p></main></html>',
        status,
    )
