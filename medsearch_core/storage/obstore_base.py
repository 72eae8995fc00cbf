"""Reading and writing objects with obstore, and the translation of its errors."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store
from typing_extensions import Buffer

from medsearch_core.errors import ObjectForbidden, ObjectNotFound, StorageError, Transient
from medsearch_core.storage.object_store import HEADER_BYTES, PROBE_PREFIX, ObjectInfo

_BUSY = re.compile(r"status code: (?:408|429|5\d\d)\b|HTTP error: ")
"""The first line of obstore's errors if the server throttles, fails or is unreachable."""


class ObstoreStore:
    """What folders and buckets have in common: operations on one object, and listing the project's own keys."""

    def __init__(self, store: LocalStore | S3Store, url: str) -> None:
        self._store = store
        self.url = url

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        try:
            for chunk in self._store.list(prefix or None):
                for entry in chunk:
                    yield ObjectInfo(entry["path"], entry["size"], (entry["e_tag"] or "").strip('"'))
        except BaseError as error:
            raise _storage_error(f"cannot list {self.url}", error) from error

    def info(self, key: str) -> ObjectInfo:
        try:
            found = obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectNotFound(key) from error
        except (BaseError, OSError) as error:
            raise translate_error("look at", key, error) from error
        return ObjectInfo(key, found["size"], (found["e_tag"] or "").strip('"'))

    def read(self, key: str) -> bytes:
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectNotFound(key) from error
        except (BaseError, OSError) as error:
            raise translate_error("read", key, error) from error

    def open(self, key: str) -> BinaryIO:
        try:
            size = obstore.head(self._store, key)["size"]
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectNotFound(key) from error
        except (BaseError, OSError) as error:
            raise translate_error("open", key, error) from error
        return cast(BinaryIO, io.BufferedReader(_Ranges(self._store, key, size), HEADER_BYTES))

    def write(self, key: str, data: bytes) -> None:
        try:
            obstore.put(self._store, key, data)
        except (BaseError, OSError) as error:
            raise _storage_error(f"cannot write {key}", error) from error

    def create(self, key: str, data: bytes) -> bool:
        try:
            obstore.put(self._store, key, data, mode="create")
        except (AlreadyExistsError, FileExistsError):
            return False
        except (BaseError, OSError) as error:
            raise _storage_error(f"cannot write {key}", error) from error
        return True

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _storage_error(f"cannot delete {key}", error) from error

    def check(self) -> None:
        try:
            next(iter(self.list(PROBE_PREFIX)), None)
        except OSError as error:
            raise StorageError(f"cannot list {self.url}: {type(error).__name__}") from error


def translate_error(verb: str, key: str, error: Exception) -> StorageError:
    """The error for a failed read. An unreadable file is the object's fault; a bucket that denies access is the store's."""
    is_forbidden = isinstance(error, PermissionError) or "os error 13" in str(error)
    return (
        ObjectForbidden(f"cannot {verb} {key}: {type(error).__name__}")
        if is_forbidden
        else _storage_error(f"cannot {verb} {key}", error)
    )


def _storage_error(what: str, error: Exception) -> StorageError:
    is_busy = isinstance(error, BaseError) and _BUSY.search(str(error).partition("\n")[0]) is not None
    return (
        Transient(f"{what}: the store is busy or cannot be reached")
        if is_busy
        else StorageError(f"{what}: {type(error).__name__}")
    )


class _Ranges(io.RawIOBase):
    """An object as a raw file: each `readinto` is one range request; the buffer around it reads large ranges."""

    def __init__(self, store: LocalStore | S3Store, key: str, size: int) -> None:
        self._store, self._key, self._size, self._at = store, key, size, 0
        self.name = key  # pydicom asks a buffered file for its name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        try:
            data = obstore.get_range(self._store, self._key, start=self._at, end=end)
        except (BaseError, OSError) as error:
            raise translate_error("read", self._key, error) from error
        view[: len(data)] = bytes(data)
        self._at += len(data)
        return len(data)
