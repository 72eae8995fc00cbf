"""Who else may read what this project writes: nobody, unless `MEDSEARCH_UMASK` says otherwise.

Every entry point calls `keep_files_private` first: the commands, the service, Dagster's storage and the code location. What
they start inherits it.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.errors import ConfigurationError

LOG = logging.getLogger("medsearch.permissions")


class FilePermissions(BaseModel):
    """The setting."""

    umask: str = Field(
        default="077",
        pattern="^0?[0-7]{3}$",
        description="permissions that files and folders are made without, in octal: 077 leaves them to the user who runs this, "
        "027 lets that user's group read them",
    )


class _FromEnvironment(FilePermissions, BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MEDSEARCH_", env_ignore_empty=True)


def keep_files_private() -> int:
    """Sets the umask of this process, and so of all that it starts; returns it.

    Raises:
        ConfigurationError: MEDSEARCH_UMASK is no umask.
    """
    try:
        umask = int(_FromEnvironment().umask, 8)
    except ValidationError as error:
        raise ConfigurationError("MEDSEARCH_UMASK must be three octal digits, such as 077 or 027") from error
    os.umask(umask)
    return umask


def exposures(private: Iterable[Path], landing: Path | None, umask: int) -> list[str]:
    """One sentence for each file or folder of this user that others have rights to, with the command that takes them away.

    A folder stands for all that is in it. Delivery may use a group, so of the landing folder only the rights of everyone count.

    Args:
        private: of those that are there, what nobody else should reach.
        umask: the rights that nobody else should have.
    """
    checked = [(path, umask & 0o077) for path in private] + ([(landing, umask & 0o007)] if landing else [])
    return [_sentence(path, found & unwanted) for path, unwanted in checked if (found := _rights(path)) & unwanted]


def warn_of_exposures(private: Iterable[Path], landing: Path | None, umask: int) -> None:
    """Logs each of them."""
    for sentence in exposures(private, landing, umask):
        LOG.warning(sentence)


def _rights(path: Path) -> int:
    """The permissions of a file or folder; none if it is not there or not this user's."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return stat.S_IMODE(found.st_mode) if found.st_uid == os.geteuid() else 0


def _sentence(path: Path, unwanted: int) -> str:
    who = "every user" if unwanted & 0o007 else "a group"
    classes = ("g" if unwanted & 0o070 else "") + ("o" if unwanted & 0o007 else "")
    return f"{path} is open to {who} of this machine: run chmod {classes}-rwx {path}"
