"""Token verification (RFC 7519, RFC 8725, RFC 9068).

Belongs here: checks of signature, times, issuer and audience. Not here: the roles that a token grants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hmac import compare_digest
from time import time
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from medsearch_api.sign_in.issuer import Issuer
from medsearch_api.sign_in.options import OidcOptions

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""Accepted signature algorithms. All are asymmetric: a public key must never be usable as a shared secret (RFC 8725 2.1)."""
LEEWAY_S = 30
"""Allowed clock difference between the issuer and this machine, in seconds."""
MAX_TOKEN_BYTES = 16 << 10
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})

Claims = Mapping[str, Any]


class InvalidToken(Exception):
    """The token is invalid. The message is a short fixed term, never a part of the token."""


class _Signatures(jws.JWSRegistry):
    """joserfc's registry with a limit large enough for headers with keys or certificates, which are ignored."""

    max_header_length = 8 << 10


_REGISTRY = _Signatures(algorithms=ALGORITHMS, strict_check_header=False)


class Tokens:
    """Verifies an issuer's tokens for one client."""

    def __init__(self, issuer: Issuer, options: OidcOptions, now: Callable[[], float] = time) -> None:
        self._issuer = issuer
        self._options = options
        self._now = now

    async def verify_access_token(self, token: str) -> Claims:
        """Verify an access token for this service and return its claims.

        The token is for this service if `aud` contains the configured audience (by default the client ID). If no audience is
        configured and the token has none, `client_id` must be this client's, as in Cognito's access tokens.

        Raises:
            InvalidToken: it is not an access token, is not valid now, or is for another service.
            IssuerUnavailable: it cannot be verified now.
        """
        claims = await self._verify(token)
        if claims.get("token_use", "access") != "access" or str(claims.get("typ", "Bearer")).lower() != "bearer":
            raise InvalidToken("no access token")
        if "at_hash" in claims:  # only ID tokens have one (OpenID Connect Core 1.0 section 2)
            raise InvalidToken("no access token")
        if "cnf" in claims:
            raise InvalidToken("bound to a key")  # RFC 9449 section 7.2, RFC 8705 section 3: not a bearer token
        expected = self._options.audience or self._options.client_id
        if "aud" in claims or self._options.audience:
            if expected not in _audiences(claims):
                raise InvalidToken("audience")
        elif claims.get("client_id") != expected:
            raise InvalidToken("client")
        return claims

    async def verify_id_token(self, token: str, nonce: str) -> Claims:
        """Verify an ID token for this client and sign-in, and return its claims (OpenID Connect Core 1.0 section 3.1.3.7).

        Raises:
            InvalidToken: it is not an ID token, is not valid now, or is for another client or sign-in.
            IssuerUnavailable: it cannot be verified now.
        """
        claims = await self._verify(token)
        audiences = _audiences(claims)
        if self._options.client_id not in audiences:
            raise InvalidToken("audience")
        if claims.get("azp", self._options.client_id) != self._options.client_id or (
            len(audiences) > 1 and "azp" not in claims
        ):
            raise InvalidToken("client")
        if claims.get("token_use", "id") != "id":
            raise InvalidToken("no identity token")
        claimed = claims.get("nonce")
        if not isinstance(claimed, str) or not compare_digest(claimed.encode(), nonce.encode()):
            raise InvalidToken("nonce")
        return claims

    async def _verify(self, token: str) -> Claims:
        """Check that the issuer signed the token and that it is valid now, and return its claims."""
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidToken("too long")
        header = _header(token)
        if header.get("alg") not in ALGORITHMS:
            raise InvalidToken("algorithm")
        if str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise InvalidToken("type")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise InvalidToken("malformed")
        key = await self._issuer.key(kid)
        if key is None:
            raise InvalidToken("unknown key")
        try:
            claims = jwt.decode(token, key, registry=_REGISTRY).claims
            JWTClaimsRegistry(
                now=int(self._now()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self._issuer.url},
                sub={"essential": True},
                exp={"essential": True},
            ).validate(claims)
        except JoseError as error:
            raise InvalidToken(error.error or type(error).__name__) from None
        except (ValueError, TypeError, RecursionError):
            raise InvalidToken("malformed") from None
        return claims


def _header(token: str) -> dict[str, Any]:
    """Return a token's header, which has not been verified yet."""
    try:
        header = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise InvalidToken("malformed") from None
    return header


def _audiences(claims: Claims) -> list[str]:
    audience = claims.get("aud")
    if isinstance(audience, list):
        return [value for value in audience if isinstance(value, str)]
    return [audience] if isinstance(audience, str) else []
