"""The issuer: what it says of itself, and the keys it signs with, kept and renewed.

Belongs here: reading the discovery document and the key set, when to read them again, and for how long to go on without.
Not here: what a token must say.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from medsearch_api.sign_in.options import is_private
from medsearch_core.errors import MedsearchError

LOG = logging.getLogger("medsearch.sign_in")

Key = RSAKey | ECKey | OKPKey

FRESH_S = 15 * 60
"""Seconds after which documents are read again."""
KEPT_S = 24 * 3600
"""Seconds for which they are believed while the issuer cannot be reached. After that nobody is let in."""
PAUSE_S = 10
"""Seconds between two attempts to read them, whatever tokens arrive."""
TIMEOUT_S = 5
MIN_RSA_BITS = 2048


class IssuerUnavailable(MedsearchError):
    """The issuer's documents cannot be had, so no token can be judged."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of the discovery document that is used (OpenID Connect Discovery 1.0 section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    revocation_endpoint: str | None
    takes_secret_in_header: bool
    names_itself_in_answers: bool


@dataclass(frozen=True, slots=True)
class _Held:
    metadata: Metadata
    keys: Mapping[str | None, Key]
    read_at: float


class Issuer:
    """One issuer. Documents are read when first needed, again when old, and when a token names a key that is not known."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._held: _Held | None = None
        self._tried_at: float | None = None
        self._has_failed = False
        self._reading = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """What the issuer says of itself.

        Raises:
            IssuerUnavailable: it cannot be reached, or does not describe the issuer of the settings.
        """
        return (await self._current(lambda held: True)).metadata

    async def key(self, kid: str | None) -> Key | None:
        """The key of this id; without an id, the only key there is. None if the issuer has no such key.

        Raises:
            IssuerUnavailable: whether it has cannot be found out.
        """
        held = await self._current(lambda held: _named(held, kid) is not None)
        found = _named(held, kid)
        if found is None and self._has_failed:
            raise IssuerUnavailable("a key that is not known cannot be asked for")
        return found

    async def _current(self, suffices: Callable[[_Held], bool]) -> _Held:
        """The documents, read again where they are old or do not suffice. Requests wait for one reading together."""
        if not self._is_good(suffices) and not (self._reading.locked() and self._usable(suffices)):
            async with self._reading:
                if not self._is_good(suffices) and self._may_try():
                    await self._read()
        if self._held is None or self._age() > KEPT_S:
            raise IssuerUnavailable("the issuer's documents cannot be had")
        return self._held

    def _usable(self, suffices: Callable[[_Held], bool]) -> bool:
        return self._held is not None and self._age() <= KEPT_S and suffices(self._held)

    def _is_good(self, suffices: Callable[[_Held], bool]) -> bool:
        return self._usable(suffices) and self._age() <= FRESH_S

    def _age(self) -> float:
        return self._clock() - self._held.read_at if self._held else float("inf")

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= PAUSE_S

    async def _read(self) -> None:
        self._tried_at = self._clock()
        try:
            async with client() as asking:
                metadata = _metadata(
                    await _document(asking, f"{self.url.rstrip('/')}/.well-known/openid-configuration"), self.url
                )
                keys = _keys(await _document(asking, metadata.jwks_uri))
        except (httpx.HTTPError, ValueError) as error:
            self._has_failed = True
            LOG.warning("the issuer's documents cannot be read: %s", type(error).__name__)
            return
        self._held, self._has_failed = _Held(metadata, keys, self._tried_at), False


def client(auth: httpx.Auth | None = None) -> httpx.AsyncClient:
    """A client for one conversation with the issuer. It follows no redirects."""
    return httpx.AsyncClient(auth=auth, timeout=TIMEOUT_S, follow_redirects=False)


async def _document(asking: httpx.AsyncClient, address: str) -> dict[str, Any]:
    response = await asking.get(address, headers={"accept": "application/json"})
    if response.status_code != 200:
        raise ValueError("not answered with 200")
    document = response.json()
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """The metadata in a discovery document.

    Raises:
        ValueError: it is another issuer's (Discovery section 4.3), or an address in it is missing or not private.
    """
    if document.get("issuer") != issuer:
        raise ValueError("another issuer's document")

    def address(name: str) -> str | None:
        value = document.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not is_private(value):
            raise ValueError(f"{name} is not an https address")
        return value

    needed = {name: address(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    found = {name: value for name, value in needed.items() if value is not None}
    if len(found) < len(needed):
        raise ValueError("an endpoint is missing")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        **found,
        end_session_endpoint=address("end_session_endpoint"),
        revocation_endpoint=address("revocation_endpoint"),
        takes_secret_in_header=not isinstance(methods, list) or "client_secret_basic" in methods,
        names_itself_in_answers=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _keys(document: Mapping[str, Any]) -> Mapping[str | None, Key]:
    """The keys of a set (RFC 7517 section 5) that check signatures, by id. Others are passed over; of one id, the first counts.

    Raises:
        ValueError: there is none.
    """
    listed = document.get("keys")
    found: dict[str | None, Key] = {}
    for data in listed if isinstance(listed, list) else []:
        key = _key(data)
        if key is not None:
            found.setdefault(data.get("kid"), key)
    if not found:
        raise ValueError("no usable key")
    return found


def _key(data: object) -> Key | None:
    """A public key for signatures; None for what is anything else, malformed, or an RSA key that is too short."""
    if not isinstance(data, dict) or data.get("kty") not in ("RSA", "EC", "OKP") or data.get("use", "sig") != "sig":
        return None
    if not isinstance(data.get("kid"), str | None):
        return None
    public = {name: value for name, value in data.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth", "key_ops")}
    try:
        key = JWKRegistry.import_key(public)
        raw = key.public_key
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(raw, RSAPublicKey) and raw.key_size < MIN_RSA_BITS:
        return None
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None


def _named(held: _Held, kid: str | None) -> Key | None:
    if kid is None:
        return next(iter(held.keys.values())) if len(held.keys) == 1 else None
    return held.keys.get(kid)
