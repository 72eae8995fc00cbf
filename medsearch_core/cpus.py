"""How many processors this process may use: the container's share of time, the processors it is bound to, those there are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

ROOT = "/sys/fs/cgroup"


def available_cpus() -> int:
    """Threads or processes that can work at once here, at least 1."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return cpus_of(os.cpu_count() or 1, bound, list(quotas_of(_text)))


def cpus_of(count: int, bound: int | None, quotas: Sequence[float]) -> int:
    """The least of what is there, what the process is bound to and the whole processors of every quota; at least 1.

    A quota is rounded down: a thread more than it covers stands still for the rest of each period, and all wait for it.
    """
    return max(1, min([count, bound or count, *(int(quota) for quota in quotas)]))


def quotas_of(text_of: Callable[[str], str | None]) -> Iterator[float]:
    """Processors that each cgroup above this process grants, of those that limit it.

    Args:
        text_of: a file's text by its path, None where there is none.
    """
    for folder, version in _folders(text_of("/proc/self/cgroup") or ""):
        if version == 2:
            quota, _, period = (text_of(f"{folder}/cpu.max") or "max").partition(" ")
        else:
            quota, period = text_of(f"{folder}/cpu.cfs_quota_us") or "-1", text_of(f"{folder}/cpu.cfs_period_us") or "0"
        if quota.strip().isdecimal() and period.strip().isdecimal() and int(period):
            yield int(quota) / int(period)


def _folders(own: str) -> Iterator[tuple[str, int]]:
    """The cgroups of a process and all above them, from the text of /proc/self/cgroup, with the hierarchy's version.

    In a container the path may be the host's, of which nothing is mounted; the mount's root, which is always among them, is
    then the container's own.
    """
    for line in own.splitlines():
        number, controllers, path = line.split(":", 2)
        version = 2 if number == "0" and not controllers else 1
        if version == 1 and "cpu" not in controllers.split(","):
            continue
        root = ROOT if version == 2 else f"{ROOT}/cpu"
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            yield f"{root}/{group.relative_to('/')}".removesuffix("/."), version


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None
