"""An S3 bucket, and which of its keys obstore can address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from itertools import islice, pairwise
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store

from medsearch_core.errors import ConfigurationError, StorageError, Transient
from medsearch_core.storage.object_store import ObjectInfo, S3Options
from medsearch_core.storage.obstore_base import ObstoreStore

UNADDRESSABLE_KEY = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f]")
"""Keys that S3 allows and obstore cannot address: with an empty, `.` or `..` part, or a control character. They include keys
that end in a slash, which S3's console creates for folders."""


class Bucket(ObstoreStore):
    """A store in a bucket. Scans with boto3: obstore aborts a listing at a key it cannot represent and drops a final `/`."""

    def __init__(self, bucket: str, prefix: str, options: S3Options, url: str) -> None:
        super().__init__(_s3(bucket, prefix, options), url)
        self._bucket, self._prefix, self._options = bucket, f"{prefix}/" if prefix else "", options
        self._opened_with = bucket, prefix, options, url

    def __reduce__(self) -> tuple[Callable[..., Bucket], tuple[str, str, S3Options, str]]:
        return _opened_once, self._opened_with

    def scan(self, after: str, limit: int) -> Sequence[ObjectInfo]:
        found = [*islice(self._after(after, limit), limit)]
        if any(a.key.encode() >= b.key.encode() for a, b in pairwise(found)):
            raise StorageError(f"{self.url} does not list its keys in order: use a general purpose bucket")
        return found

    def _after(self, after: str, limit: int) -> Iterator[ObjectInfo]:
        asked = {"Bucket": self._bucket, "Prefix": self._prefix, "StartAfter": f"{self._prefix}{after}"}
        try:
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(**asked, PaginationConfig={"PageSize": min(limit, 1000)}):
                for entry in page.get("Contents", ()):
                    key = entry["Key"].removeprefix(self._prefix)
                    if key:
                        yield ObjectInfo(
                            key, entry["Size"], entry.get("ETag", "").strip('"'), not UNADDRESSABLE_KEY.search(key)
                        )
        except ClientError as error:
            code, status = error.response["Error"].get("Code"), error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
            is_busy = status >= 500 or status == 429
            raise (Transient if is_busy else StorageError)(f"cannot list {self.url}: {code}") from error
        except BotoCoreError as error:
            is_away = isinstance(error, (HTTPClientError, ConnectionError))
            raise (Transient if is_away else StorageError)(f"cannot list {self.url}: {type(error).__name__}") from error

    @cached_property
    def _client(self) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60)
        session = boto3.Session(region_name=self._options.region)
        return session.client("s3", endpoint_url=self._options.endpoint, config=config)


@cache
def _opened_once(*opened_with: Any) -> Bucket:
    """Cached, so that worker processes, which open the same bucket repeatedly, look up credentials once."""
    return Bucket(*opened_with)


def _s3(bucket: str, prefix: str, options: S3Options) -> S3Store:
    config: dict[str, Any] = {"bucket": bucket}
    if options.endpoint:
        config |= {"endpoint": options.endpoint, "virtual_hosted_style_request": False}
    if options.region:
        config["region"] = options.region
    try:
        credentials = Boto3CredentialProvider(boto3.Session(region_name=options.region))
    except ValueError as error:
        raise ConfigurationError("no AWS credentials were found: give the process a role, a profile or keys") from error
    plain = bool(options.endpoint and options.endpoint.startswith("http://"))
    return S3Store(
        prefix=prefix or None,
        config=cast(Any, config),
        credential_provider=credentials,
        client_options={"allow_http": plain},
    )
