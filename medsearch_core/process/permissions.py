"""File permissions: only the user who runs the project can read what it writes, unless `MEDSEARCH_UMASK` says otherwise.

Every entry point calls `keep_files_private` first: the commands, the service, the code location and Dagster's storage. Their
child processes inherit it.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from medsearch_core.errors import ConfigurationError
from medsearch_core.settings import UMASK, UMASK_PATTERN, Deployment
from medsearch_core.storage.open import local_folder

LOG = logging.getLogger("medsearch.permissions")
PSEUDONYM_KEY = "pseudonym.key"
"""In the warehouse: the secret behind the keys of studies grouped by header."""


class _Umask(BaseSettings):
    """The one setting that is needed before the others are read, even if all of them are invalid."""

    model_config = SettingsConfigDict(env_prefix="MEDSEARCH_", env_ignore_empty=True)

    umask: str = Field(default=UMASK, pattern=UMASK_PATTERN)


def keep_files_private() -> None:
    """Sets the umask of this process and its children. Needs no other setting, so it can run first.

    Raises:
        ConfigurationError: MEDSEARCH_UMASK is not a umask.
    """
    try:
        os.umask(int(_Umask().umask, 8))
    except ValidationError as error:
        raise ConfigurationError("MEDSEARCH_UMASK: give three octal digits, such as 077 or 027") from error


def warn_of_exposures(deployment: Deployment, *more: str) -> None:
    """Logs which of a deployment's folders, and of the additional ones, other users of this machine can access."""
    umask, warehouse = int(deployment.umask, 8), local_folder(deployment.warehouse)
    private, landing = [warehouse, *map(local_folder, [deployment.index, *more])], local_folder(deployment.landing)
    unwanted = [(path, umask & 0o077) for path in private if path]
    if warehouse:
        unwanted.append((warehouse / PSEUDONYM_KEY, 0o077))
    if landing:
        unwanted.append((landing, umask & 0o007))  # the delivering user may share a group
    for sentence in exposures(unwanted):
        LOG.warning("%s", sentence)


def exposures(unwanted: Iterable[tuple[Path, int]]) -> list[str]:
    """A sentence for each path with unwanted permissions, with the command that removes them.

    A folder represents its content. Paths that do not exist or belong to another user are omitted.
    """
    return [_sentence(path, given) for path, bits in unwanted if (given := _permissions(path) & bits)]


def _permissions(path: Path) -> int:
    try:
        found = path.stat()
    except OSError:
        return 0
    return stat.S_IMODE(found.st_mode) if found.st_uid == os.geteuid() else 0


def _sentence(path: Path, given: int) -> str:
    classes = ("g" if given & 0o070 else "") + ("o" if given & 0o007 else "")
    whom = "every user of this machine" if given & 0o007 else "its group"
    return f"{path} is open to {whom}: run chmod {classes}-rwx {path}"
