"""A real OpenID Connect issuer on loopback: discovery, keys, authorize, token with PKCE, revocation and end of session.

It signs with real keys, counts what it is asked, and can be told to lie, to fail, or to go away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.serving import serving

CLIENT = "medsearch-page"
SECRET = "client/secret that nobody logs"
SUBJECT = "subject-5e6f-that-nobody-logs"
NAME = "Ada Lovelace"
SIGNING = ["RS256", "PS256", "RS384", "RS512", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519", "HS256", "none"]


class OidcIssuer:
    """One issuer. Its fields may be changed by a test at any time."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.is_failing = False
        self.keys: list[RSAKey | ECKey | OKPKey] = [rsa("rsa-1")]
        self.discovery_changes: dict[str, Any] = {}
        self.access_changes: dict[str, Any] = {"groups": ["medsearch-reader"]}
        self.identity_changes: dict[str, Any] = {}
        self.answer_changes: dict[str, str] = {}
        self.secret: str | None = None
        self.lifetime_s = 300
        self.gives_refresh_tokens = False
        self.revoked: list[str] = []
        self.given: list[str] = []
        """Every token, code and secret that was given out: what must stand in no log."""
        self._codes: dict[str, dict[str, str]] = {}
        self._refresh: set[str] = set()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/keys", self.key_set),
                Route("/authorize", self.authorize),
                Route("/approve", self.approve),
                Route("/token", self.token, methods=["POST"]),
                Route("/revoke", self.revoke, methods=["POST"]),
                Route("/logout", self.logout),
            ]
        )

    def access_token(self, *, key: Any = None, alg: str = "RS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
        """An access token for the service; a claim that is None is left out."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "sub": SUBJECT,
            "aud": CLIENT,
            "iat": now,
            "exp": now + self.lifetime_s,
            **self.access_changes,
        }
        return self.signed({n: c for n, c in (usual | claims).items() if c is not None}, key, alg, header)

    def signed(self, claims: dict[str, Any], key: Any = None, alg: str = "RS256", header: dict[str, Any] | None = None) -> str:
        """Any claims, signed by the issuer's newest key or another one."""
        key = key or self.keys[-1]
        protected = {"alg": alg, "kid": key.kid} | (header or {})
        token = jwt.encode({n: v for n, v in protected.items() if v is not None}, claims, key, SIGNING)
        self.given.append(token)
        return token

    async def discovery(self, request: Request) -> Response:
        self.asked["discovery"] += 1
        if self.is_failing:
            return PlainTextResponse("no", 500)
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/logout",
            "revocation_endpoint": f"{self.url}/revoke",
        }
        return JSONResponse({n: v for n, v in (document | self.discovery_changes).items() if v is not None})

    async def key_set(self, request: Request) -> Response:
        self.asked["keys"] += 1
        if self.is_failing:
            return PlainTextResponse("no", 500)
        others = [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "oct-1"},
            {"kty": "AKP", "kid": "new-1"},
            "junk",
            {"kty": "RSA", "kid": "bad"},
        ]
        return JSONResponse({"keys": [*others, *(key.as_dict(private=False) for key in self.keys)]})

    async def authorize(self, request: Request) -> Response:
        """The issuer's sign-in, as a page with a button."""
        self.asked["authorize"] += 1
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(24)
        self.given += [code, asked["state"], asked["nonce"]]
        self._codes[code] = asked
        link = f'<a href="/approve?code={code}">Continue as {NAME}</a>'
        return HTMLResponse(f'<!doctype html><link rel="icon" href="data:,"><title>Issuer</title>{link}')

    async def approve(self, request: Request) -> Response:
        """Back to the service with a code."""
        asked = self._codes[request.query_params["code"]]
        answer = {"code": request.query_params["code"], "state": asked["state"]} | self.answer_changes
        return RedirectResponse(f"{asked['redirect_uri']}?{'&'.join(f'{n}={v}' for n, v in answer.items())}", 303)

    async def token(self, request: Request) -> Response:
        self.asked["token"] += 1
        if self.is_failing:
            return PlainTextResponse("no", 500)
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        if not self._is_client(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self._refresh:
                return JSONResponse({"error": "invalid_grant"}, 400)
            self._refresh.discard(form["refresh_token"])
            return JSONResponse(self._granted())
        asked = self._codes.pop(form["code"], None)
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if challenge != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        identity = {"iss": self.url, "sub": SUBJECT, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        identity |= {"name": NAME, "at_hash": "x"} | self.identity_changes
        return JSONResponse(self._granted() | {"id_token": self.signed({n: v for n, v in identity.items() if v is not None})})

    async def revoke(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        self._refresh.discard(form["token"])
        self.revoked.append(form["token"])
        return Response()

    async def logout(self, request: Request) -> Response:
        self.asked["logout"] += 1
        assert request.query_params["client_id"] == CLIENT
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], 303)

    def forget_refresh_tokens(self) -> None:
        self._refresh.clear()

    def _granted(self) -> dict[str, Any]:
        granted: dict[str, Any] = {"token_type": "Bearer", "access_token": self.access_token(), "expires_in": self.lifetime_s}
        if self.gives_refresh_tokens:
            granted["refresh_token"] = secrets.token_urlsafe(24)
            self._refresh.add(granted["refresh_token"])
            self.given.append(granted["refresh_token"])
        return granted

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        if self.secret is None:
            return form.get("client_id") == CLIENT
        name, _, secret = (
            base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode().partition(":")
        )
        return (unquote_plus(name), unquote_plus(secret)) == (CLIENT, self.secret)


@cache
def rsa(kid: str, bits: int = 2048) -> RSAKey:
    """A key of this name; made once, because making one takes long."""
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"})


def signed_with_public_key(token: str, key: RSAKey, encoding: Literal["PEM", "DER"]) -> str:
    """The token's claims under HS256, whose secret is the issuer's public key. Made by hand: libraries refuse to."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": key.kid}).encode()).rstrip(b"=").decode()
    signed = f"{header}.{token.split('.')[1]}"
    secret = key.as_bytes(encoding, private=False)
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()
    return f"{signed}.{signature}"


@contextmanager
def issuing() -> Iterator[OidcIssuer]:
    """An issuer that answers."""
    issuer = OidcIssuer()
    with serving(issuer.app()) as issuer.url:
        yield issuer
