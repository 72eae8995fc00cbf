"""The worker's side: a process that waits for jobs, does them within limits, and sends their answers."""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from medsearch_core.workers.answers import RESULT, error_answer
from medsearch_core.workers.channel import receive, send
from medsearch_core.workers.confinement import confine, forbid_privileges
from medsearch_core.workers.limits import OUT_OF_MEMORY, Limits

Job = Callable[..., bytes]
"""What a worker is sent, pickled: it is called with the files that were sent with it."""

PR_SET_PDEATHSIG = 1
MAX_REQUEST_BYTES = 2**31
ALLOCATION = {-1: 256 * 2**20, -3: 32 * 2**20, -8: 1}
"""For mallopt(3): M_TRIM_THRESHOLD, free memory allowed at the end of the heap; M_MMAP_THRESHOLD, at its maximum;
M_ARENA_MAX."""

_own_bytes = 0


@dataclass(frozen=True)
class Preparation:
    """What a worker becomes before its first job.

    Args:
        max_bytes: its memory, as far as it is not shared; None for a worker whose jobs limit it.
        environment: added to its variables.
        packages: whose code it may read if it is confined; None for a worker that is not.
        rehearse: called once before the first job, so that the job finds in memory what it needs.
    """

    max_bytes: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    packages: Sequence[str] | None = None
    rehearse: Callable[[], object] | None = None


def work(channel: socket.socket, server: int) -> NoReturn:
    """Prepares the process, says what the kernel refused, and does jobs until the owner hangs up. Never returns."""
    code = 1
    try:
        _die_with(server)
        _, message, _ = receive(channel, MAX_REQUEST_BYTES)
        send(channel, json.dumps(_prepare(pickle.loads(message))).encode())  # noqa: S301 - from the owner
        while True:
            _, message, files = receive(channel, MAX_REQUEST_BYTES)
            job: Job = pickle.loads(message)  # noqa: S301 - from the owner
            del message
            kind, answer = _answer(job, files)
            send(channel, answer, kind=kind)
            del job, answer
    except (EOFError, ConnectionError):
        code = 0
    except MemoryError:  # a codec may be left in an undefined state
        code = OUT_OF_MEMORY
    finally:
        os._exit(code)


def limit_memory(max_bytes: int) -> None:
    """Limits what a confined worker's job needs in addition to the worker itself, shared memory included."""
    most = _own_bytes + max_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _answer(job: Job, files: Sequence[int]) -> tuple[int, bytes]:
    try:
        return RESULT, job(*files)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the owner decides what it means
        return error_answer(error)


@contextmanager
def within(limits: Limits) -> Iterator[None]:
    """Ends the process when one item reaches its limit of time: by a signal, anywhere, even in a codec's loop."""
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _prepare(preparation: Preparation) -> list[str]:
    """The output of codecs is discarded, because it may contain data."""
    global _own_bytes
    os.environ.update(preparation.environment)
    for signal_, action in (
        (signal.SIGINT, signal.SIG_IGN),
        (signal.SIGPROF, signal.SIG_DFL),
        (signal.SIGALRM, signal.SIG_DFL),
    ):
        signal.signal(signal_, action)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    forbid_privileges()
    _disable_malloc_trim()
    _own_bytes = resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[0])
    refused = [] if preparation.packages is None else confine(preparation.packages)
    if preparation.max_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (preparation.max_bytes, preparation.max_bytes))
    if preparation.rehearse:
        preparation.rehearse()
    return refused


def _disable_malloc_trim() -> None:
    """Keeps freed memory in the process: each object needs about as much as the last, and page faults are slow."""
    libc = ctypes.CDLL(None)
    for option, amount in ALLOCATION.items():
        libc.mallopt(option, amount)


def _die_with(server: int) -> None:
    """The server that forked this process ends with its owner, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server:
        raise EOFError  # it ended before
