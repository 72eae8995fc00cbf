"""Opens a folder or bucket by its address."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from medsearch_core.errors import ConfigurationError
from medsearch_core.storage.object_store import ObjectStore, S3Options


def open_store(
    url: str, s3: S3Options | None = None, *, must_exist: bool = False, follows_links: bool = False, setting: str = ""
) -> ObjectStore:
    """The store at a path, `file://` or `s3://bucket/prefix` address. A folder is created unless it `must_exist`.

    Args:
        follows_links: for a folder, see `Folder`.
        setting: the setting that the address comes from, for errors.

    Raises:
        ConfigurationError: the address is of another kind, the folder is missing or is not a folder, or there are no S3
            credentials.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from medsearch_core.storage.s3 import Bucket  # imports botocore, which folders do not need

        return Bucket(parts.netloc, parts.path.strip("/"), s3 or S3Options(), url)
    if (folder := local_folder(url)) is None:
        raise ConfigurationError(f"cannot open {parts.scheme}:// stores; give a folder, file:// or s3://bucket/prefix")
    if must_exist and not folder.is_dir():
        advice = f"create or mount it, or correct {setting}" if setting else "create or mount it"
        raise ConfigurationError(f"there is no folder {folder}: {advice}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        name = f"{folder} ({setting})" if setting else f"{folder}"
        raise ConfigurationError(f"{name} cannot be used as a folder: {error.strerror}") from error
    from medsearch_core.storage.folder import Folder

    return Folder(folder, follows_links)


def local_folder(url: str) -> Path | None:
    """The folder at a path or `file://` address; None for an address of another kind."""
    parts = urlsplit(url)
    if parts.scheme not in ("", "file"):
        return None
    return Path(unquote(parts.path) if parts.scheme == "file" else url).expanduser().absolute()
