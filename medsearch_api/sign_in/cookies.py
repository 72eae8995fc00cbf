"""The page's two cookies: for the session, and for a sign-in in progress.

Both are HttpOnly, and over TLS Secure with the `__Host-` prefix, which binds them to this host (RFC 6265bis section 4.1.3).
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from medsearch_api.sign_in.code_flow import PendingSignIn

PENDING_S = 600
"""Seconds that a user has to sign in at the issuer."""


class Cookies:
    """Sets, reads and clears both cookies."""

    def __init__(self, is_https: bool) -> None:
        self._is_https = is_https
        prefix = "__Host-" if is_https else ""
        self.session_name, self.pending_name = f"{prefix}medsearch-session", f"{prefix}medsearch-sign-in"

    def read_session_id(self, connection: HTTPConnection) -> str | None:
        """Read the session ID, if the browser sent one."""
        return connection.cookies.get(self.session_name)

    def read_pending(self, connection: HTTPConnection) -> PendingSignIn | None:
        """Read the sign-in that this browser started."""
        return PendingSignIn.from_cookie(connection.cookies.get(self.pending_name))

    def set_pending(self, response: Response, pending: PendingSignIn) -> None:
        """Set the sign-in cookie. SameSite=Lax, because the browser returns from the issuer's site."""
        response.set_cookie(
            self.pending_name, pending.to_cookie(), PENDING_S, secure=self._is_https, httponly=True, samesite="lax"
        )

    def set_session(self, response: Response, session_id: str) -> None:
        """Set the session cookie. SameSite=Strict: pages of other sites cannot make the browser send it.

        Pages of the same site can, as Dagster's UI does for thumbnails.
        """
        response.set_cookie(self.session_name, session_id, secure=self._is_https, httponly=True, samesite="strict")

    def clear_session(self, response: Response) -> None:
        """Clear the session cookie."""
        response.delete_cookie(self.session_name, secure=self._is_https, httponly=True, samesite="strict")

    def clear_pending(self, response: Response) -> None:
        """Clear the sign-in cookie, which is valid for a single answer."""
        response.delete_cookie(self.pending_name, secure=self._is_https, httponly=True, samesite="lax")
