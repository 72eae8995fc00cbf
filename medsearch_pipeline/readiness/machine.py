"""Free disk and memory, and the installed packages that decode and embed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from medsearch_core.machine.cpus import available_cpus
from medsearch_pipeline.readiness.finding import Finding, Level
from medsearch_pipeline.settings import Settings

GIB = 2**30
LOW_DISK, NO_DISK = 5 * GIB, GIB // 2
MODEL_BYTES, WORKER_BYTES = 2 * GIB, GIB // 2
"""Typical memory of the model and of each decoding process."""
CODECS = ("imagecodecs", "pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pydicom")
MODELS = ("torch", "torchvision")
OLDEST_PYTHON = (3, 11)


def check_disk(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Whether the disks that are written to have space. Buckets and clusters are not checked."""
    places = {
        "MEDSEARCH_WAREHOUSE": settings.warehouse,
        "MEDSEARCH_INDEX": settings.index,
        "MEDSEARCH_MODEL_CACHE": settings.model_cache,
        "DAGSTER_HOME": environment.get("DAGSTER_HOME", ""),
    }
    found: list[Finding] = []
    for setting, place in places.items():
        if place and "://" not in place:
            found.append(disk_finding(setting, place, _free_bytes(Path(place).expanduser().absolute())))
    return [each for each in found if each.level != "ok"] or [Finding(check="disk", level="ok", message="has room")]


def disk_finding(setting: str, place: str, free: int | None) -> Finding:
    """The finding for this many free bytes; None if the folder can neither be created nor written."""
    if free is None:
        return Finding(
            check="disk",
            level="problem",
            message="cannot be written",
            setting=setting,
            value=place,
            advice="give a folder that this user can write",
        )
    level: Level = "problem" if free < NO_DISK else "warning" if free < LOW_DISK else "ok"
    return Finding(
        check="disk",
        level=level,
        message=f"{free / GIB:.1f} GiB free",
        setting=setting,
        value=place,
        advice=None if level == "ok" else "free some space, or move it to another disk",
    )


def check_memory(settings: Settings) -> Finding:
    """Whether the free memory is enough for the model and the decoding processes."""
    workers = settings.decode_workers or available_cpus()
    return memory_finding(min(psutil.virtual_memory().available, _container_bytes()), workers)


def memory_finding(free: int, workers: int) -> Finding:
    """The finding for this many free bytes and processes."""
    wanted = MODEL_BYTES + workers * WORKER_BYTES
    is_enough = free >= wanted
    return Finding(
        check="memory",
        level="ok" if is_enough else "warning",
        message=f"{free / GIB:.1f} GiB free; the model and {workers} decoding processes usually need {wanted / GIB:.1f} GiB",
        setting="MEDSEARCH_DECODE_WORKERS",
        value=str(workers),
        advice=None if is_enough else "provide more memory, or lower MEDSEARCH_DECODE_WORKERS",
    )


def check_versions(settings: Settings, version_of: Callable[[str], str | None] | None = None) -> list[Finding]:
    """Whether Python and the packages that decode and embed are installed."""
    version_of = version_of or _version_of
    found = []
    if sys.version_info < OLDEST_PYTHON:
        python = ".".join(map(str, OLDEST_PYTHON))
        found.append(
            Finding(
                check="versions", level="problem", message=f"Python is older than {python}", advice=f"install Python {python}"
            )
        )
    wanted = CODECS if settings.executor == "ecs" else (*CODECS, *MODELS)
    missing = [name for name in wanted if version_of(name) is None]
    if missing:
        found.append(
            Finding(
                check="versions",
                level="problem",
                message=f"not installed: {', '.join(missing)}",
                advice="pip install -c constraints.txt 'medsearch[pipeline,embedding]'",
            )
        )
    there = [f"{name} {number}" for name in wanted if (number := version_of(name))]
    python = f"Python {sys.version.split()[0]}"
    return found or [Finding(check="versions", level="ok", message=", ".join([python, *there]))]


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _free_bytes(folder: Path) -> int | None:
    """The free bytes where a folder is or would be created; None if it cannot be written there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    is_disk = usage.total > 0  # /proc and /sys hold no files
    return usage.free if is_disk and folder.is_dir() and os.access(folder, os.W_OK) else None


def _container_bytes() -> int:
    """The bytes left within the container's limit; unlimited without one."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
    except OSError:
        return sys.maxsize
    return int(limit) - int(used) if limit.isdecimal() else sys.maxsize
