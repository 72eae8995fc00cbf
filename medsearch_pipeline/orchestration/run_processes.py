"""Processes of runs: the code server forks each from a process that has imported what runs import.

Dagster starts a run in a new interpreter, whose imports take seconds of a CPU before the run does anything. Not imported in
advance: the definitions, because each run reads the settings and the weights file when it starts. The process exists from the
first run on, and its memory, some 400 MB with torch, is shared by all runs.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

from dagster._grpc.server import DagsterApiServer

PRELOADED = (
    "dagster._cli",  # the code server's own command, which `multiprocessing` repeats in each child
    "dagster._grpc.impl",
    "medsearch_pipeline.code_location",
    "medsearch_pipeline.orchestration.event_storage",
    "medsearch_pipeline.orchestration.run_launcher",
    "medsearch_pipeline.models.engines.open",  # torch
)
"""Modules. Importing them starts no thread and reads no settings; those that are not installed are left out."""


def fork_runs() -> None:
    """Makes the code server of this process fork its runs; without effect where there is none.

    A property of the class, because the server that loads the definitions exists before this is called.
    """
    DagsterApiServer._mp_ctx = property(_forking, _ignore)  # type: ignore[assignment]


def _forking(_: DagsterApiServer) -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    return context


def _ignore(_: DagsterApiServer, __: object) -> None:
    """Every server assigns the context that starts interpreters."""
