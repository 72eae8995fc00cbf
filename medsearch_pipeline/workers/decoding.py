"""The workers that a deployment's steps share. They read from the stores and write to them, with the run's credentials."""

from __future__ import annotations

from functools import cache
from multiprocessing.util import Finalize

from medsearch_core.machine.cpus import available_cpus
from medsearch_core.workers.limits import Limits
from medsearch_core.workers.pool import Workers
from medsearch_core.workers.process import WorkerServer
from medsearch_pipeline.settings import Settings

PRELOADED = ("medsearch_pipeline.studies.dicom_objects", "medsearch_pipeline.workers.shared_thumbnails")
"""Imported once, by the process that forks the workers."""


def decoding_workers(settings: Settings) -> Workers:
    """The workers of a deployment, shared by all steps of a process and ended with it."""
    count = settings.decode_workers or available_cpus()
    return shared_workers(count, Limits(settings.decode_seconds, int(settings.decode_memory_gib * 2**30)))


def shared_workers(count: int, limits: Limits) -> Workers:
    """The workers with these limits, ended with this process or by `close_workers`."""
    _close_at_exit()
    return _shared_workers.setdefault((count, limits), Workers(count, limits, server()))


def close_workers() -> None:
    """Ends the workers of this process. New ones, with the environment at that time, start when needed."""
    while _shared_workers:
        _shared_workers.popitem()[1].close()


_shared_workers: dict[tuple[int, Limits], Workers] = {}


@cache
def server() -> WorkerServer:
    """What forks this process's workers, which may do what this process may."""
    return WorkerServer(PRELOADED)


@cache
def _close_at_exit() -> None:
    """A run is a child of `multiprocessing`, which ends before `atexit` functions run."""
    Finalize(None, _close, exitpriority=100)


def _close() -> None:
    close_workers()
    server().close()
