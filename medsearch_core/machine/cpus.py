"""How many CPUs this process may use: the container's quota, the process's affinity, or the number of CPUs."""

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
    """The minimum of the CPU count, the process's affinity and every quota; at least 1.

    Quotas are rounded down: a thread beyond the quota is throttled for the rest of each period, and all others wait for it.
    """
    return max(1, min([count, bound or count, *(int(quota) for quota in quotas)]))


def quotas_of(text_of: Callable[[str], str | None]) -> Iterator[float]:
    """CPUs granted by each cgroup that limits this process.

    Args:
        text_of: returns a file's text by path, or None if there is no such file.
    """
    for folder, version in _folders(text_of("/proc/self/cgroup") or ""):
        if version == 2:
            quota, _, period = (text_of(f"{folder}/cpu.max") or "max").partition(" ")
        else:
            quota, period = text_of(f"{folder}/cpu.cfs_quota_us") or "-1", text_of(f"{folder}/cpu.cfs_period_us") or "0"
        if quota.strip().isdecimal() and period.strip().isdecimal() and int(period):
            yield int(quota) / int(period)


def _folders(own: str) -> Iterator[tuple[str, int]]:
    """The cgroups of a process and their ancestors, from the text of /proc/self/cgroup, with the hierarchy's version.

    In a container the path may be the host's, which is not mounted; the mount's root, which is always included, is then the
    container's own cgroup.
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
