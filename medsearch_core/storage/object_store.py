"""`ObjectStore`: a folder or an S3 bucket, read and written the same way (by obstore).

A write is one put: to a temporary name and moved into place in a folder, one request in S3. A reader sees the old object or
the new one.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import unquote, urlsplit

import obstore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store
from typing_extensions import Buffer

from medsearch_core.errors import ConfigurationError, ObjectForbidden, ObjectNotFound, StorageError, Transient

HEADER_BYTES = 64 * 1024
NOWHERE = "a link to nowhere"
"""The tag under which a link that leads to no file is listed."""
NO_FOLDER = ".medsearch-check"
"""A folder that holds nothing, listed to see whether a store can be."""
UNADDRESSABLE = re.compile(r"[\x00-\x1f\x7f]|#\d+$")
"""Names that obstore cannot be asked for: control characters, and the suffix of its own temporary files."""
_BUSY = re.compile(r"status code: (?:408|429|5\d\d)\b|HTTP error: ")
"""What obstore says, in its first line, of a server that is throttling, failing or not reached."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as listed. `is_addressable` is false for a name that no store can be asked for."""

    key: str
    bytes: int
    etag: str
    is_addressable: bool = True


class ObjectStore(Protocol):
    """Objects by key. Every method raises `StorageError` when the store fails, `ObjectNotFound` when a key is not there."""

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


def open_store(url: str, s3: S3Options | None = None, *, must_exist: bool = False) -> ObjectStore:
    """The store at a path, `file://` or `s3://bucket/prefix` address. A folder is made unless it `must_exist`.

    Raises:
        ConfigurationError: the address is of another kind, the folder is missing or none, or S3 credentials cannot be found.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        return _Bucket(parts.netloc, parts.path.strip("/"), s3 or S3Options(), url)
    if parts.scheme not in ("", "file"):
        raise ConfigurationError(f"cannot open {parts.scheme}:// stores; give a folder, file:// or s3://bucket/prefix")
    folder = Path(unquote(parts.path) if parts.scheme == "file" else url).expanduser().absolute()
    if must_exist and not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}: mount or create it, or correct the setting that names it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be used as a folder: {error.strerror}") from error
    return _Folder(LocalStore(folder), folder.as_uri(), folder)


def _s3(bucket: str, prefix: str, options: S3Options) -> S3Store:
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

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


class _Store:
    def __init__(self, store: LocalStore | S3Store, url: str) -> None:
        self._store = store
        self.url = url

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        try:
            for chunk in self._store.list(prefix or None):
                for entry in chunk:
                    yield ObjectInfo(entry["path"], entry["size"], (entry["e_tag"] or "").strip('"'))
        except BaseError as error:
            raise _failed(f"cannot list {self.url}", error) from error

    def info(self, key: str) -> ObjectInfo:
        try:
            found = obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectNotFound(key) from error
        except (BaseError, OSError) as error:
            raise _fault("look at", key, error) from error
        return ObjectInfo(key, found["size"], (found["e_tag"] or "").strip('"'))

    def read(self, key: str) -> bytes:
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectNotFound(key) from error
        except (BaseError, OSError) as error:
            raise _fault("read", key, error) from error

    def open(self, key: str) -> BinaryIO:
        try:
            size = obstore.head(self._store, key)["size"]
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectNotFound(key) from error
        except (BaseError, OSError) as error:
            raise _fault("open", key, error) from error
        return cast(BinaryIO, io.BufferedReader(_Ranges(self._store, key, size), HEADER_BYTES))

    def write(self, key: str, data: bytes) -> None:
        try:
            obstore.put(self._store, key, data)
        except (BaseError, OSError) as error:
            raise _failed(f"cannot write {key}", error) from error

    def create(self, key: str, data: bytes) -> bool:
        try:
            obstore.put(self._store, key, data, mode="create")
        except (AlreadyExistsError, FileExistsError):
            return False
        except (BaseError, OSError) as error:
            raise _failed(f"cannot write {key}", error) from error
        return True

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _failed(f"cannot delete {key}", error) from error

    def check(self) -> None:
        try:
            next(iter(self.list(NO_FOLDER)), None)
        except OSError as error:
            raise StorageError(f"cannot list {self.url}: {type(error).__name__}") from error


def _fault(verb: str, key: str, error: Exception) -> StorageError:
    """What a failed read means. Only a file without permission is the object's own fault; a refusing bucket is the store's."""
    is_forbidden = isinstance(error, PermissionError) or "os error 13" in str(error)
    return (
        ObjectForbidden(f"cannot {verb} {key}: {type(error).__name__}")
        if is_forbidden
        else _failed(f"cannot {verb} {key}", error)
    )


def _failed(what: str, error: Exception) -> StorageError:
    is_busy = isinstance(error, BaseError) and _BUSY.search(str(error).partition("\n")[0]) is not None
    return (
        Transient(f"{what}: the store is busy or cannot be reached")
        if is_busy
        else StorageError(f"{what}: {type(error).__name__}")
    )


class _Ranges(io.RawIOBase):
    """An object as a raw file: each `readinto` is one ranged request, which the buffer above asks for in large pieces."""

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
            raise _fault("read", self._key, error) from error
        view[: len(data)] = bytes(data)
        self._at += len(data)
        return len(data)


class _Bucket(_Store):
    """A bucket is scanned by boto3: obstore stops a listing at one key it cannot spell, and drops the `/` that ends one."""

    def __init__(self, bucket: str, prefix: str, options: S3Options, url: str) -> None:
        super().__init__(_s3(bucket, prefix, options), url)
        self._bucket, self._prefix, self._options = bucket, f"{prefix}/" if prefix else "", options

    def scan(self, after: str, limit: int) -> Sequence[ObjectInfo]:
        found = [*islice(self._after(after, limit), limit)]
        if any(a.key.encode() >= b.key.encode() for a, b in pairwise(found)):
            raise StorageError(f"{self.url} does not list its keys in their order: use a general purpose bucket")
        return found

    def _after(self, after: str, limit: int) -> Iterator[ObjectInfo]:
        asked = {"Bucket": self._bucket, "Prefix": self._prefix, "StartAfter": f"{self._prefix}{after}"}
        try:
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(**asked, PaginationConfig={"PageSize": min(limit, 1000)}):
                for entry in page.get("Contents", ()):
                    key = entry["Key"].removeprefix(self._prefix)
                    if key:
                        yield ObjectInfo(key, entry["Size"], entry.get("ETag", "").strip('"'), _can_be_asked_for(key))
        except ClientError as error:
            code, status = error.response["Error"].get("Code"), error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
            is_busy = status >= 500 or status == 429
            raise (Transient if is_busy else StorageError)(f"cannot list {self.url}: {code}") from error
        except BotoCoreError as error:
            is_away = isinstance(error, (HTTPClientError, ConnectionError))
            raise (Transient if is_away else StorageError)(f"cannot list {self.url}: {type(error).__name__}") from error

    @cached_property
    def _client(self) -> Any:
        import boto3

        config = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60)
        session = boto3.Session(region_name=self._options.region)
        return session.client("s3", endpoint_url=self._options.endpoint, config=config)


def _can_be_asked_for(key: str) -> bool:
    """Whether obstore takes a key of a bucket as it is spelt."""
    return not UNADDRESSABLE.search(key) and not {"", ".", ".."} & set(key.split("/"))


class _Folder(_Store):
    """A folder is walked here: obstore stops a whole listing at one file name it cannot spell."""

    def __init__(self, store: LocalStore, url: str, folder: Path) -> None:
        super().__init__(store, url)
        self._folder = folder

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        root = self._folder / prefix
        return _walk(root, "/".join([*root.relative_to(self._folder).parts, ""]), "", self._folder)

    def scan(self, after: str, limit: int) -> Sequence[ObjectInfo]:
        return [*islice(_walk(self._folder, "", after, self._folder), limit)]

    def info(self, key: str) -> ObjectInfo:
        try:
            stat = Path(self._folder, key).stat()
        except FileNotFoundError as error:
            raise ObjectNotFound(key) from error
        except OSError as error:
            raise _fault("look at", key, error) from error
        return ObjectInfo(key, stat.st_size, _tag(stat))

    def check(self) -> None:
        try:
            os.scandir(self._folder).close()
        except OSError as error:
            raise StorageError(f"cannot list {self._folder}: {type(error).__name__}") from error


def _tag(stat: os.stat_result) -> str:
    return f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}"


def _walk(folder: Path, key: str, after: str, root: Path) -> Iterator[ObjectInfo]:
    """Every object below a folder whose keys start with `key`, in the order of their keys, without looking at what lies
    before `after`.

    A link to a folder is followed, unless it leads to a folder that is listed anyway: into the root, or above itself. So
    which objects there are does not depend on where a walk began.
    """
    if key and not folder.exists():
        return
    real, bound = os.path.realpath(root), after.encode()
    levels = [(os.path.realpath(folder), _entries_of(folder, key, bound, root))]
    while levels:
        entry, spelt = next(levels[-1][1], (None, ""))
        if entry is None:
            levels.pop()
        elif not spelt.endswith("/"):
            yield from _listed(entry, spelt, bound, root)
        elif not entry.is_symlink():
            levels.append((f"{levels[-1][0]}/{entry.name}", _entries_of(Path(entry.path), spelt, bound, root)))
        else:
            target = os.path.realpath(entry.path)
            if not _is_within(target, real) and not any(_is_within(above, target) for above, _ in levels):
                levels.append((target, _entries_of(Path(entry.path), spelt, bound, root)))


def _entries_of(folder: Path, key: str, bound: bytes, root: Path) -> Iterator[tuple[os.DirEntry[str] | None, str]]:
    """A folder's entries with their keys, in the order of their keys; a folder's key ends in `/`, by which it sorts."""
    try:
        with os.scandir(folder) as entries:
            named = [(key + _spelt(entry.name) + ("/" if _is_folder(entry) else ""), entry) for entry in entries]
    except OSError as error:
        if isinstance(error, FileNotFoundError) and root.exists() and not folder.exists():
            return  # removed since its parent was listed
        raise StorageError(f"cannot list {error.filename}: {type(error).__name__}") from error
    for order, spelt, entry in sorted(((spelt.encode(), spelt, entry) for spelt, entry in named), key=lambda e: e[0]):
        if order > bound or bound.startswith(order):
            yield entry, spelt


def _listed(entry: os.DirEntry[str], spelt: str, bound: bytes, root: Path) -> Iterator[ObjectInfo]:
    if spelt.encode() <= bound:
        return
    try:
        stat = entry.stat()
    except OSError:
        if entry.is_symlink():
            yield ObjectInfo(spelt, 0, NOWHERE)
        return
    is_spelt_so = "\\" not in spelt or spelt == Path(entry.path).relative_to(root).as_posix()
    yield ObjectInfo(spelt, stat.st_size, _tag(stat), is_spelt_so and not UNADDRESSABLE.search(spelt))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _spelt(name: str) -> str:
    """A file's name as it is listed: what no store can be asked for is escaped."""
    return UNADDRESSABLE.sub(lambda c: ascii(c[0])[1:-1], name.encode("utf-8", "backslashreplace").decode())


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
