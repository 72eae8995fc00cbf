"""The connection to an OpenSearch cluster, and the translation of its errors."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from opensearchpy import ConnectionError as Unreachable
from opensearchpy import (
    ConnectionTimeout,
    OpenSearch,
    OpenSearchException,
    RequestError,
    SSLError,
    TransportError,
    Urllib3AWSV4SignerAuth,
    Urllib3HttpConnection,
)
from opensearchpy.serializer import JSONSerializer

from medsearch_core.errors import ConfigurationError, StorageError, Transient
from medsearch_core.search.opensearch.options import Access


class FastSerializer(JSONSerializer):
    """JSON by orjson, which writes float32 arrays in the fewest digits that read back the same."""

    def dumps(self, data: Any) -> Any:
        if isinstance(data, (str, bytes)):
            return data
        return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY).decode()

    def loads(self, s: str) -> Any:
        return orjson.loads(s)


def open_client(access: Access) -> OpenSearch:
    """A thread-safe client. Connects at its first call. Certificates are always verified.

    Raises:
        ConfigurationError: the CA's file cannot be read, or there are no AWS credentials to sign with.
    """
    return OpenSearch(
        [access.url],
        connection_class=NamedConnection,
        http_auth=_signature(access),
        headers=_credentials(access),
        ssl_context=_tls(access),
        serializer=FastSerializer(),
        timeout=access.timeout_seconds,
        max_retries=2,
        retry_on_status=(502, 503, 504),
        pool_maxsize=16,
    )


class NamedConnection(Urllib3HttpConnection):
    """A connection whose errors contain the unreachable address, unlike the client's own."""

    def perform_request(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().perform_request(*args, **kwargs)
        except Unreachable as error:
            error.address = self.host  # type: ignore[attr-defined]
            raise


WORTH_REPEATING = (408, 429, 502, 503, 504)
"""Statuses of a busy cluster, or of a gateway that could not reach it."""


class RequestRefused(StorageError):
    """The cluster rejected a request as invalid (status 400)."""


@contextmanager
def failing_as(action: str) -> Iterator[None]:
    """Turns the client's errors into `StorageError` without their text, which quotes queries and thus may identify patients.

    Raises:
        Transient: the cluster was busy or unreachable.
        StorageError: with the status and OpenSearch's name of the error.
    """
    try:
        yield
    except OpenSearchException as error:
        kind = RequestRefused if isinstance(error, RequestError) else Transient if is_transient(error) else StorageError
        raise kind(f"the search index could not be {action}: {cause_of(error)}") from None


def is_transient(error: OpenSearchException) -> bool:
    """Whether the same request may succeed later: the cluster was busy, or unreachable with a trusted certificate."""
    if isinstance(error, Unreachable):
        return not isinstance(error, SSLError)
    return isinstance(error, TransportError) and error.status_code in WORTH_REPEATING


def cause_of(error: OpenSearchException) -> str:
    """A failure's cause in words that contain no data."""
    cluster = f"the cluster at {address}" if (address := getattr(error, "address", "")) else "the cluster"
    if isinstance(error, SSLError):
        return f"the certificate of {cluster} is not trusted (set MEDSEARCH_INDEX_CA to the CA's PEM file)"
    if isinstance(error, ConnectionTimeout):
        return f"{cluster} did not answer in time"
    if isinstance(error, Unreachable):
        return f"{cluster} cannot be reached (MEDSEARCH_INDEX)"
    if isinstance(error, TransportError):
        advice = {"401": "user or password is wrong", "403": "the user lacks permission"}
        return f"{error.status_code} {advice.get(str(error.status_code)) or str(error.error)[:100]}"
    return type(error).__name__


def _signature(access: Access) -> Any:
    if not access.aws_region:
        return None
    import boto3

    credentials = boto3.Session().get_credentials()
    if credentials is None:
        raise ConfigurationError("MEDSEARCH_INDEX_AWS_REGION is set, but there are no AWS credentials to sign requests with")
    return Urllib3AWSV4SignerAuth(credentials, access.aws_region, "es")


def _credentials(access: Access) -> dict[str, str]:
    """Basic authentication in UTF-8 (RFC 7617), which the client's own does not support."""
    if access.aws_region or not access.user:
        return {}
    return {"authorization": "Basic " + b64encode(f"{access.user}:{access.password or ''}".encode()).decode()}


def _tls(access: Access) -> ssl.SSLContext | None:
    if not access.url.startswith("https://"):
        return None
    try:
        return ssl.create_default_context(cafile=access.ca)
    except OSError as error:
        raise ConfigurationError(f"the file of MEDSEARCH_INDEX_CA cannot be read: {type(error).__name__}") from None
