"""A folder of graphs converted for an engine: a conversion takes seconds, and every run is a separate process.

A graph whose files have changed is converted again. Every other one is checked like a new one before use (`probe`), so one
that no longer fits is refused.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from medsearch_core.keys import digest_of
from medsearch_pipeline.models.metadata import sha256_of
from medsearch_pipeline.models.network import Network

CONVERSION = 2
"""Increase it when an engine's `converted` changes the graph of a network, or when the set of files changes."""
DIGEST = "sha256"
"""The file of a cached graph with the digest of its other files."""
Graph = TypeVar("Graph")
log = logging.getLogger(__name__)


def cached_graph(
    folder: Path | None,
    network: Network,
    engine: str,
    convert: Callable[[Network], Graph],
    write: Callable[[Graph, Path], None],
    read: Callable[[Path], Graph],
) -> Graph:
    """The graph of a network for an engine: read from the cache, or converted and written.

    Args:
        folder: the cache; None for no cache. If it cannot be written or a graph is damaged, that is logged and only costs
            time.
        engine: the distribution's name, whose version is part of a graph's cache key.
    """
    if isinstance(network.graph, bytes):
        return convert(network)
    place = folder and folder.expanduser() / f"{engine}-{_key(network, engine)}"
    if place and place.is_dir():
        try:
            _check(place)
            return read(place)
        except (OSError, RuntimeError, ValueError) as error:
            log.warning("the converted model in %s is damaged (%s): converting it again", place, type(error).__name__)
            _remove(place)
    graph = convert(network)
    try:
        if place:
            return _store(graph, place, write, read)
    except OSError as error:
        log.warning("the converted model cannot be cached in %s: %s", folder, error.strerror)
    with (
        tempfile.TemporaryDirectory() as passing
    ):  # because a graph that was read differs in the last bits from one just converted
        write(graph, Path(passing))
        return read(Path(passing))


def _store(graph: Graph, place: Path, write: Callable[[Graph, Path], None], read: Callable[[Path], Graph]) -> Graph:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = Path(tempfile.mkdtemp(dir=place.parent, prefix="part-"))
    try:
        write(graph, part)
        (part / DIGEST).write_text(_digest_of(part))
        found = read(part)
        try:
            os.rename(part, place)
        except OSError:
            if not place.is_dir():  # another process was first
                raise
        return found
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _check(place: Path) -> None:
    if (place / DIGEST).read_text() != _digest_of(place):
        raise ValueError("its files have changed")


def _digest_of(folder: Path) -> str:
    files = sorted(file for file in folder.iterdir() if file.name != DIGEST)
    return digest_of(*(part for file in files for part in (file.name, sha256_of(file))))


def _remove(place: Path) -> None:
    """Removes it atomically, so that no process reads half of it."""
    with suppress(OSError):  # another process removed it, or the folder is not writable, which is logged on writing
        aside = tempfile.mkdtemp(dir=place.parent, prefix="part-")
        try:
            os.rename(place, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _key(network: Network, engine: str) -> str:
    parts = (
        CONVERSION,
        network.digest,
        network.model_version,
        str(network.graph),
        *(version(name) for name in (engine, "torch")),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
