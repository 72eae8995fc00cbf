"""What a worker process may not do: for all workers no new privileges and no core dumps, for confined ones much more.

A confined worker is given bytes and gives bytes back. It has no variables of its owner's environment, no file or connection
of its owner, and cannot open one: system calls are filtered, and only code can be read. Where the kernel refuses one of these,
the worker says so and works without it.
"""

from __future__ import annotations

import ctypes
import resource
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from medsearch_core.workers.landlock import restrict_files
from medsearch_core.workers.seccomp import refuse_system_calls

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/usr/share/zoneinfo")
KEPT_VARIABLES = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUTF8"})
"""The part of the owner's environment that a confined worker has: where code is, and how text is encoded."""


def forbid_privileges() -> None:
    """For this process and all that it starts: no privileges from setuid programs, no core dumps."""
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide_memory() -> None:
    """Other processes of the same user can no longer read this one's memory and environment in /proc, or trace it."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def confine(packages: Iterable[str]) -> list[str]:
    """Takes everything from this process that decoding does not need. Call it before the first thread.

    Args:
        packages: imported packages whose modules may be read later.

    Returns:
        The names of what the kernel refused: `landlock`, `seccomp`.
    """
    hide_memory()
    taken = {"landlock": restrict_files(_code(packages)), "seccomp": refuse_system_calls()}
    return [name for name, is_taken in taken.items() if not is_taken]


def _code(packages: Iterable[str]) -> list[Path]:
    """Where Python's, the system's and these packages' code is."""
    own = [Path(file).parent for name in packages if (file := getattr(sys.modules.get(name), "__file__", None))]
    return [*installed_code(), *own]


@cache
def installed_code() -> list[Path]:
    """Where Python's and the system's code is. Takes milliseconds, so the process that forks the workers asks first."""
    installed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [*map(Path, installed), *map(Path, SYSTEM)]
