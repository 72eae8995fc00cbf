"""The issuer's metadata and signing keys, cached and refreshed.

Belongs here: reading the discovery document and the key set, when to refresh them, and how long to use stale ones. Not here:
requirements on tokens.
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

from medsearch_api.sign_in.options import is_secure_url
from medsearch_core.errors import MedsearchError

LOG = logging.getLogger("medsearch.sign_in")

Key = RSAKey | ECKey | OKPKey

REFRESH_S = 15 * 60
"""Seconds after which the documents are read again."""
MAX_AGE_S = 24 * 3600
"""Seconds for which they stay valid while the issuer cannot be reached. After that nobody can sign in."""
RETRY_S = 10
"""Minimum seconds between two attempts to read them, whatever tokens arrive."""
TIMEOUT_S = 5
MIN_RSA_BITS = 2048


class IssuerUnavailable(MedsearchError):
    """The issuer's documents are unavailable, so tokens cannot be verified."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of the discovery document that are used (OpenID Connect Discovery 1.0 section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    revocation_endpoint: str | None
    accepts_basic_auth: bool
    sends_issuer: bool


@dataclass(frozen=True, slots=True)
class _Documents:
    metadata: Metadata
    keys: Mapping[str | None, Key]
    read_at: float


class Issuer:
    """One issuer. Its documents are read when first needed, when stale, and when a token names an unknown key."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._documents: _Documents | None = None
        self._tried_at: float | None = None
        self._has_failed = False
        self._reading = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Return the issuer's metadata.

        Raises:
            IssuerUnavailable: the issuer cannot be reached, or its document describes another issuer.
        """
        return (await self._current(lambda documents: True)).metadata

    async def key(self, kid: str | None) -> Key | None:
        """Return the key with this ID, or without an ID the only key. None if the issuer has no such key.

        Raises:
            IssuerUnavailable: this cannot be determined now.
        """
        documents = await self._current(lambda documents: _find_key(documents, kid) is not None)
        key = _find_key(documents, kid)
        if key is None and self._has_failed:
            raise IssuerUnavailable("an unknown key cannot be looked up now")
        return key

    async def _current(self, suffices: Callable[[_Documents], bool]) -> _Documents:
        """Return the documents, refreshed if they are stale or do not suffice. Concurrent requests share one refresh."""
        if not self._is_fresh(suffices) and not (self._reading.locked() and self._is_usable(suffices)):
            async with self._reading:
                if not self._is_fresh(suffices) and self._can_retry():
                    await self._read()
        if self._documents is None or self._age() > MAX_AGE_S:
            raise IssuerUnavailable("the issuer's documents are unavailable")
        return self._documents

    def _is_usable(self, suffices: Callable[[_Documents], bool]) -> bool:
        return self._documents is not None and self._age() <= MAX_AGE_S and suffices(self._documents)

    def _is_fresh(self, suffices: Callable[[_Documents], bool]) -> bool:
        return self._is_usable(suffices) and self._age() <= REFRESH_S

    def _age(self) -> float:
        return self._clock() - self._documents.read_at if self._documents else float("inf")

    def _can_retry(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= RETRY_S

    async def _read(self) -> None:
        self._tried_at = self._clock()
        try:
            async with http_client() as http:
                metadata = _metadata(
                    await _document(http, f"{self.url.rstrip('/')}/.well-known/openid-configuration"), self.url
                )
                keys = _keys(await _document(http, metadata.jwks_uri))
        except (httpx.HTTPError, ValueError) as error:
            self._has_failed = True
            LOG.warning("the issuer's documents cannot be read: %s", type(error).__name__)
            return
        self._documents, self._has_failed = _Documents(metadata, keys, self._tried_at), False


def http_client(auth: httpx.Auth | None = None) -> httpx.AsyncClient:
    """Create an HTTP client for the issuer. It follows no redirects."""
    return httpx.AsyncClient(auth=auth, timeout=TIMEOUT_S, follow_redirects=False)


async def _document(http: httpx.AsyncClient, address: str) -> dict[str, Any]:
    response = await http.get(address, headers={"accept": "application/json"})
    if response.status_code != 200:
        raise ValueError("status is not 200")
    document = response.json()
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Parse a discovery document.

    Raises:
        ValueError: it belongs to another issuer (Discovery section 4.3), or a URL in it is missing or not secure.
    """
    if document.get("issuer") != issuer:
        raise ValueError("another issuer's document")

    def address(name: str) -> str | None:
        value = document.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not is_secure_url(value):
            raise ValueError(f"{name} is not an https URL")
        return value

    needed = {name: address(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    endpoints = {name: value for name, value in needed.items() if value is not None}
    if len(endpoints) < len(needed):
        raise ValueError("an endpoint is missing")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        **endpoints,
        end_session_endpoint=address("end_session_endpoint"),
        revocation_endpoint=address("revocation_endpoint"),
        accepts_basic_auth=not isinstance(methods, list) or "client_secret_basic" in methods,
        sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _keys(document: Mapping[str, Any]) -> Mapping[str | None, Key]:
    """Parse a key set (RFC 7517 section 5) into signature keys by ID. Skips other keys; of equal IDs, the first counts.

    Raises:
        ValueError: there are none.
    """
    listed = document.get("keys")
    keys: dict[str | None, Key] = {}
    for data in listed if isinstance(listed, list) else []:
        key = _key(data)
        if key is not None:
            keys.setdefault(data.get("kid"), key)
    if not keys:
        raise ValueError("no usable key")
    return keys


def _key(data: object) -> Key | None:
    """Parse a public signature key; None for other or malformed keys, and for RSA keys that are too short."""
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


def _find_key(documents: _Documents, kid: str | None) -> Key | None:
    if kid is None:
        return next(iter(documents.keys.values())) if len(documents.keys) == 1 else None
    return documents.keys.get(kid)
