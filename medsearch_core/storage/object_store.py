"""`ObjectStore`: the protocol of a folder and an S3 bucket.

A write is one put: a rename in a folder, one request in S3. Readers see the old object or the new one. Most of it is obstore's
(`obstore_base`); each store has its own listing of keys that others chose (`folder`, `s3`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

HEADER_BYTES = 64 * 1024
LINK_ETAG = "link"
"""The tag of a link that is not followed; no store gives it to an object."""
PROBE_PREFIX = ".medsearch-check"
"""An empty folder, listed to check whether the store can be listed."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as listed. `is_addressable` is false for a name that no store can address."""

    key: str
    bytes: int
    etag: str
    is_addressable: bool = True


class ObjectStore(Protocol):
    """Objects by key. Every method raises `StorageError` if the store fails, `ObjectNotFound` if a key does not exist.

    A store can be pickled for a worker process, which opens it with its own credentials.
    """

    url: str

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key starts with the folder `prefix`, in no particular order.

        For keys that this project chose. Use `scan` for others: one key that obstore cannot represent aborts a listing.
        """

    def scan(self, after: str, limit: int) -> Sequence[ObjectInfo]:
        """Up to `limit` objects with keys after `after`, in key order (by UTF-8 bytes, as S3 lists them).

        Fewer than `limit` means that the end was reached. The cost depends on what it returns, not on what precedes `after`.
        """

    def info(self, key: str) -> ObjectInfo:
        """One object as it would be listed."""

    def read(self, key: str) -> bytes:
        """The whole object."""

    def open(self, key: str) -> BinaryIO:
        """The object as a seekable file that fetches only the ranges read, `HEADER_BYTES` at a time."""

    def write(self, key: str, data: bytes) -> None:
        """Puts an object, replacing an existing one atomically."""

    def create(self, key: str, data: bytes) -> bool:
        """Puts an object if the key does not exist; returns whether it did."""

    def delete(self, key: str) -> None:
        """Removes an object; a missing one is not an error."""

    def check(self) -> None:
        """Raises unless the store's folder or bucket exists and can be listed now."""


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to reach S3. Credentials come from the AWS provider chain, never from here."""

    endpoint: str | None = None
    region: str | None = None
