"""Which files a process may open at all (Landlock, Linux 5.13): a worker reads code, and nothing else."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""ABI version → the number of rights over files that it knows; later ones know no more."""
TCP_RIGHTS, TCP_SINCE = 0b11, 4
SCOPES, SCOPES_SINCE = 0b11, 6
"""Abstract Unix sockets, and signals to processes outside."""


def restrict_files(readable: Iterable[Path]) -> bool:
    """From now on, this process can read below these paths only, and write nothing. False if the kernel refuses.

    Where the kernel can, TCP and signals to other processes are refused as well.
    """
    libc = ctypes.CDLL(None)
    version = libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)
    if version < 1:
        return False
    handled = struct.pack("=Q", (1 << FILE_RIGHTS.get(version, FILE_RIGHTS[5])) - 1)
    if version >= TCP_SINCE:
        handled += struct.pack("=Q", TCP_RIGHTS)
    if version >= SCOPES_SINCE:
        handled += struct.pack("=Q", SCOPES)
    rules = libc.syscall(CREATE_RULESET, handled, len(handled), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(libc, rules, path)
        return bool(libc.syscall(RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: Path) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what does not exist needs no rule
    try:
        rights = READ_FILE | (READ_DIR if path.is_dir() else 0)
        libc.syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)
