"""A filter of system calls (seccomp, Linux 3.5), assembled here because it is a page of code and libseccomp a library."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable, Iterator

from medsearch_core.workers import syscalls

PR_SET_SECCOMP, MODE_FILTER = 22, 2
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine → its column in `syscalls`, and its AUDIT_ARCH."""
X32 = 0x40000000
CLONE_THREAD = 0x10000
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
KILL, ALLOW, ERROR = 0x80000000, 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, ARGUMENT_BYTES = 0, 4, 16, 8
"""Offsets in the kernel's `seccomp_data`; the lower half of an argument comes first."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def refuse_system_calls() -> bool:
    """From now on, this process opens no connection, starts and reaches no other process, and writes no file.

    Call it before the first thread. Returns False if the kernel refuses, or this machine's calls are not known here.
    """
    known = ARCHITECTURES.get(platform.machine())
    if known is None:
        return False
    code = b"".join(_instructions(*known, os.getpid()))
    program = _Program(len(code) // 8, code)
    return ctypes.CDLL(None).prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def _instructions(column: int, architecture: int, own: int) -> Iterator[bytes]:
    refused = ERROR | errno.EPERM
    yield from (_code(LOAD, ARCHITECTURE), _code(JUMP_IF_EQUAL, architecture, 1, 0), _code(RETURN, KILL))
    yield from (_code(LOAD, NUMBER), _code(JUMP_IF_AT_LEAST, X32, 0, 1), _code(RETURN, refused))
    yield from _each(syscalls.REFUSED.values(), column, [_code(RETURN, refused)])
    yield from _each(syscalls.ABSENT.values(), column, [_code(RETURN, ERROR | errno.ENOSYS)])
    yield from _each([syscalls.CLONE], column, _if_argument(0, JUMP_IF_BITS, CLONE_THREAD, ALLOW, refused))
    yield from _each([syscalls.OPEN], column, _if_argument(1, JUMP_IF_BITS, WRITING, refused, ALLOW))
    yield from _each([syscalls.OPENAT], column, _if_argument(2, JUMP_IF_BITS, WRITING, refused, ALLOW))
    yield from _each(syscalls.ITSELF_ALONE.values(), column, _if_argument(0, JUMP_IF_EQUAL, own, ALLOW, refused))
    yield from _each(syscalls.ITSELF_OR_NONE.values(), column, _if_argument(0, JUMP_IF_EQUAL, 0, ALLOW, refused))
    yield _code(RETURN, ALLOW)


def _each(calls: Iterable[tuple[int | None, int | None]], column: int, then: list[bytes]) -> Iterator[bytes]:
    """The instructions `then` for each of these calls; others continue behind them."""
    for call in calls:
        if (number := call[column]) is not None:
            yield from (_code(JUMP_IF_EQUAL, number, 0, len(then)), *then)


def _if_argument(index: int, jump: int, value: int, result: int, otherwise: int) -> list[bytes]:
    return [
        _code(LOAD, FIRST_ARGUMENT + ARGUMENT_BYTES * index),
        _code(jump, value, 0, 1),
        _code(RETURN, result),
        _code(RETURN, otherwise),
    ]


def _code(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, if_true, if_false, value)
