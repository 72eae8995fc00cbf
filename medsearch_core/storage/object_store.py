"""`ObjectStore`: what a folder and an S3 bucket can both do, and opening either by its address.

A write is one put: to a temporary name and moved into place in a folder, one request in S3. A reader sees the old object or
the new one. Most of it is obstore's (`obstore_base`); listing what others named is each one's own (`folder`, `bucket`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

HEADER_BYTES = 64 * 1024
LINK_ETAG = "link"
"""The tag under which a link that is not followed is listed; no store gives it to an object."""
PROBE_PREFIX = ".medsearch-check"
"""A folder that holds nothing, listed to see whether a store can be."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as listed. `is_addressable` is false for a name that no store can be asked for."""

    key: str
    bytes: int
    etag: str
    is_addressable: bool = True


class ObjectStore(Protocol):
    """Objects by key. Every method raises `StorageError` when the store fails, `ObjectNotFound` when a key is not there.

    A store can be pickled, for a worker process, which opens it with its own credentials.
    """

    url: str

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key starts with the folder `prefix`, in no particular order.

        For names that we gave. What others put into a bucket is scanned: one key that obstore cannot spell stops a listing.
        """

    def scan(self, after: str, limit: int) -> Sequence[ObjectInfo]:
        """Up to `limit` objects with keys after `after`, in the order of their keys (of UTF-8 bytes, as S3 lists them).

        Fewer than `limit` means that the end was reached. Costs what it returns, not what lies before `after`.
        """

    def info(self, key: str) -> ObjectInfo:
        """One object as it would be listed."""

    def read(self, key: str) -> bytes:
        """The whole object."""

    def open(self, key: str) -> BinaryIO:
        """The object as a seekable file that fetches only the ranges read, `HEADER_BYTES` at a time."""

    def write(self, key: str, data: bytes) -> None:
        """Puts an object, replacing what was there at once."""

    def create(self, key: str, data: bytes) -> bool:
        """Puts an object only if none has this key; returns whether it did."""

    def delete(self, key: str) -> None:
        """Removes an object; one that is not there is no error."""

    def check(self) -> None:
        """Nothing, if the store can be read now: its folder or bucket is there and lets itself be listed."""


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to reach S3. Credentials come from the AWS provider chain, never from here."""

    endpoint: str | None = None
    region: str | None = None
