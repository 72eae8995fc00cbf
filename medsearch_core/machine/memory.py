"""How much memory this process and its children may use: the container's limit, or the machine's memory."""

from __future__ import annotations

import os
from pathlib import Path

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of the container, by version of cgroups."""


def available_bytes() -> int:
    """The container's limit or the machine's memory, whichever is less."""
    return memory_of(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), [_text(path) for path in LIMITS])


def memory_of(machine_bytes: int, limits: list[str]) -> int:
    """The minimum of the machine's memory and all limits that are numbers."""
    return min([machine_bytes, *(int(limit) for limit in limits if limit.isdecimal())])


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
