"""Graphs that an engine converted, kept in a folder: a conversion takes seconds, and every run is a process of its own.

A kept graph is checked like a new one before it is used (`probe`), so one that no longer fits is refused, never believed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from medsearch_pipeline.models.network import Network

CONVERSION = 1
"""Raise it when an engine's `converted` makes another graph of the same network."""
Graph = TypeVar("Graph")
log = logging.getLogger(__name__)


def kept(
    folder: Path | None,
    network: Network,
    engine: str,
    convert: Callable[[Network], Graph],
    write: Callable[[Graph, Path], None],
    read: Callable[[Path], Graph],
) -> Graph:
    """The graph of a network for an engine: read if it was converted before, else converted and written.

    Args:
        folder: where; None keeps nothing. One that cannot be written to costs time only, and is logged.
        engine: the distribution's name, whose version is part of what a graph is kept under.
    """
    if isinstance(network.graph, bytes):
        return convert(network)
    place = folder and folder.expanduser() / f"{engine}-{_key(network, engine)}"
    if place and place.is_dir():
        return read(place)
    graph = convert(network)
    try:
        if place:
            _written(graph, place, write)
            return read(place)
    except OSError as error:
        log.warning("the converted model is not kept in %s: %s", folder, error.strerror)
    with tempfile.TemporaryDirectory() as passing:  # for what was read gives other last bits than what was converted
        write(graph, Path(passing))
        return read(Path(passing))


def _written(graph: Graph, place: Path, write: Callable[[Graph, Path], None]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = Path(tempfile.mkdtemp(dir=place.parent, prefix="part-"))
    try:
        write(graph, part)
        try:
            os.rename(part, place)
        except OSError:
            if not place.is_dir():  # another process was first
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _key(network: Network, engine: str) -> str:
    told = (
        CONVERSION,
        network.digest,
        network.model_version,
        str(network.graph),
        *(version(name) for name in (engine, "torch")),
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]
