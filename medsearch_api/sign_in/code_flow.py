"""The authorization code flow with PKCE (OpenID Connect Core 1.0 section 3.1, RFC 7636, RFC 9700).

Belongs here: requests to the issuer, and checking that its answer belongs to this sign-in. Not here: cookies and responses.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Self
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx

from medsearch_api.sign_in.issuer import LOG, Issuer, IssuerUnavailable, Metadata, http_client
from medsearch_api.sign_in.options import OidcOptions
from medsearch_api.sign_in.roles import roles_from_claims
from medsearch_api.sign_in.session_store import SessionStore
from medsearch_api.sign_in.sessions import Session
from medsearch_api.sign_in.tokens import LEEWAY_S, Claims, InvalidToken, Tokens
from medsearch_api.sign_in.viewer import Viewer


class SignInError(Exception):
    """The sign-in failed. The message is a short fixed term."""


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in in progress: secrets that only the browser that started it can return."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Create three random values of 256 bits."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @classmethod
    def from_cookie(cls, value: str | None) -> Self | None:
        """Parse the output of `to_cookie`; None for anything else."""
        parts = (value or "").split(".")
        return cls(*parts) if len(parts) == 3 and all(parts) else None

    def to_cookie(self) -> str:
        """Encode the values as a cookie value."""
        return f"{self.state}.{self.nonce}.{self.verifier}"

    @property
    def challenge(self) -> str:
        """The verifier's SHA-256 challenge (RFC 7636 section 4.2, S256)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


class CodeFlow:
    """Sign-in, renewal and sign-out with one issuer."""

    def __init__(self, issuer: Issuer, tokens: Tokens, options: OidcOptions, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._tokens = tokens
        self._options = options
        self._clock = clock

    async def authorization_url(self, pending: PendingSignIn) -> str:
        """Return the URL to which the browser is sent to sign in.

        Raises:
            IssuerUnavailable: the URL is not known.
        """
        endpoint = (await self._issuer.metadata()).authorization_endpoint
        return add_parameters(
            endpoint,
            response_type="code",
            client_id=self._options.client_id,
            redirect_uri=self._options.redirect_uri,
            scope=self._options.scopes,
            state=pending.state,
            nonce=pending.nonce,
            code_challenge=pending.challenge,
            code_challenge_method="S256",
        )

    async def complete(self, answer: Mapping[str, str], pending: PendingSignIn | None) -> Session:
        """Complete the sign-in and return its session.

        Args:
            answer: the parameters of the issuer's redirect.

        Raises:
            SignInError: the answer does not belong to the sign-in that this browser started, or the issuer denied it.
            IssuerUnavailable: the issuer cannot be reached.
        """
        if pending is None or not compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise SignInError("state")
        metadata = await self._issuer.metadata()
        if answer.get("iss", "" if metadata.sends_issuer else self._issuer.url) != self._issuer.url:
            raise SignInError("issuer")  # another issuer's code must not be sent to this one (RFC 9207)
        if "error" in answer or not answer.get("code"):
            raise SignInError("not granted")
        grant = await self._grant(
            metadata,
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=self._options.redirect_uri,
            code_verifier=pending.verifier,
        )
        try:
            identity = await self._tokens.verify_id_token(_require_string(grant, "id_token"), pending.nonce)
            access = await self._tokens.verify_access_token(_require_string(grant, "access_token"))
        except InvalidToken as error:
            raise SignInError(f"token: {error}") from None
        if identity["sub"] != access["sub"]:
            raise SignInError("subject")
        return Session(
            viewer=self._viewer(access),
            name=_display_name(identity),
            valid_until=access["exp"] + LEEWAY_S,
            refresh_token=grant.get("refresh_token"),
        )

    async def find_valid(self, sessions: SessionStore, session_id: str | None) -> Session | None:
        """Return a session that is still valid. One whose token has expired is renewed if possible, and else ended.

        Raises:
            IssuerUnavailable: this cannot be determined now.
        """
        session = await sessions.find(session_id)
        if session is None or session_id is None or self._clock() < session.valid_until:
            return session
        async with sessions.renewing(session_id) as session:
            if session is not None and (self._clock() < session.valid_until or await self._renew(session)):
                return session
        await sessions.end(session_id)
        return None

    async def _renew(self, session: Session) -> bool:
        """Whether the session could be renewed."""
        if session.refresh_token is None:
            return False
        metadata = await self._issuer.metadata()
        try:
            grant = await self._grant(metadata, grant_type="refresh_token", refresh_token=session.refresh_token)
            session.refresh_token = grant.get("refresh_token", session.refresh_token)  # the old one may be invalid now
            access = await self._tokens.verify_access_token(_require_string(grant, "access_token"))
        except (SignInError, InvalidToken):
            session.refresh_token = None
            return False
        if access["sub"] != session.viewer.subject:
            session.refresh_token = None
            return False
        session.viewer, session.valid_until = self._viewer(access), access["exp"] + LEEWAY_S
        return True

    async def sign_out(self, session: Session | None) -> str:
        """Return where the browser goes after sign-out: to the issuer, to end its session too, or else to the page.

        Also revokes the refresh token (RFC 7009). If that fails, the user is signed out here nevertheless.
        """
        home = f"{self._options.public_url}/"
        try:
            metadata = await self._issuer.metadata()
        except IssuerUnavailable:
            return home
        if session and session.refresh_token and metadata.revocation_endpoint:
            try:
                await self._post(metadata, metadata.revocation_endpoint, token=session.refresh_token)
            except IssuerUnavailable:
                LOG.warning("a refresh token could not be revoked")
        endpoint = end_session_endpoint(self._issuer.url, metadata)
        if endpoint is None:
            return home
        # OpenID Connect RP-Initiated Logout 1.0 uses post_logout_redirect_uri, Cognito logout_uri; each ignores the other
        return add_parameters(endpoint, client_id=self._options.client_id, post_logout_redirect_uri=home, logout_uri=home)

    def _viewer(self, access: Claims) -> Viewer:
        return Viewer(access["sub"], roles_from_claims(access, self._options))

    async def _grant(self, metadata: Metadata, **form: str) -> Mapping[str, Any]:
        """Request tokens from the token endpoint (RFC 6749 section 5.1)."""
        response = await self._post(metadata, metadata.token_endpoint, **form)
        if response.status_code >= 500 or response.status_code == 429:
            raise IssuerUnavailable("the issuer cannot issue tokens now")
        try:
            grant = response.json()
        except ValueError:
            grant = None
        if response.status_code != 200 or not isinstance(grant, dict):
            raise SignInError("not granted")
        if str(grant.get("token_type", "")).lower() != "bearer":
            raise SignInError("token type")
        if not isinstance(grant.get("refresh_token", ""), str):
            raise SignInError("malformed")
        return grant

    async def _post(self, metadata: Metadata, address: str, **form: str) -> httpx.Response:
        """Post a form as this client: with its secret if it has one, else with its ID only (RFC 6749 section 2.3.1)."""
        secret, own = self._options.client_secret, {"client_id": self._options.client_id}
        auth = None
        if secret and metadata.accepts_basic_auth:
            own, auth = {}, httpx.BasicAuth(quote_plus(self._options.client_id), quote_plus(secret))
        elif secret:
            own["client_secret"] = secret
        try:
            async with http_client(auth) as http:
                return await http.post(address, data=form | own, headers={"accept": "application/json"})
        except httpx.HTTPError as error:
            raise IssuerUnavailable(f"the issuer does not respond: {type(error).__name__}") from None


def end_session_endpoint(issuer: str, metadata: Metadata) -> str | None:
    """Return the issuer's logout endpoint. Cognito does not publish its own, which is next to `/oauth2/authorize`."""
    if metadata.end_session_endpoint is not None:
        return metadata.end_session_endpoint
    host, authorize = urlsplit(issuer).hostname or "", urlsplit(metadata.authorization_endpoint)
    is_cognito = host.startswith("cognito-idp.") and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    if is_cognito and authorize.path.endswith("/oauth2/authorize"):
        return authorize._replace(path=authorize.path.removesuffix("/oauth2/authorize") + "/logout", query="").geturl()
    return None


def add_parameters(address: str, **parameters: str) -> str:
    """Add parameters to those of a URL."""
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(parameters)}"


def _require_string(grant: Mapping[str, Any], name: str) -> str:
    value = grant.get(name)
    if not isinstance(value, str):
        raise InvalidToken(f"no {name}")
    return value


def _display_name(identity: Claims) -> str:
    """Return the user's name, for display on the page only."""
    candidates = (identity.get(name) for name in ("name", "preferred_username", "email", "cognito:username"))
    return next((value for value in candidates if isinstance(value, str) and value), "")[:200]
