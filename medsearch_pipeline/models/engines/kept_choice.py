"""`ChoiceFile`: the measurements of a model on a machine, kept in the folder of converted models for other processes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from medsearch_pipeline.models.engines.choice import EnginePlan
from medsearch_pipeline.models.engines.measurements import Measurements
from medsearch_pipeline.models.network import Network

MEASURING = 1
"""Increase it when candidates are measured or ranked in another way."""
FOLDER = "choices"
MAX_WAIT_SECONDS = 300.0
"""How long to wait for a process that measures the same: as long as it may have to convert a model for every engine."""
POLL_SECONDS = 0.1
DISTRIBUTIONS = {"torch-compiled": "torch"}
log = logging.getLogger(__name__)


def key_of(network: Network, plans: Sequence[EnginePlan], *machine: object) -> str:
    """The key of a choice: the network, the candidates, their versions, and what describes the machine."""
    distributions = sorted({"torch", *(DISTRIBUTIONS.get(plan.engine, plan.engine) for plan in plans)})
    parts = (
        MEASURING,
        (network.model_id, network.digest, network.model_version, network.kind),
        [(plan.engine, plan.device, plan.precision) for plan in plans],
        [version(name) for name in distributions],
        machine,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


class ChoiceFile:
    """The file of one key. A folder that cannot be written only costs time.

    Args:
        folder: the folder of converted models; None for no cache.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._path = folder and folder.expanduser() / FOLDER / f"{key}.json"

    def read(self, plans: Sequence[EnginePlan]) -> Measurements | None:
        """The kept measurements of exactly these candidates; None if there are none, or they are damaged."""
        if not self._path:
            return None
        try:
            kept = json.loads(self._path.read_bytes())
            measurements = TypeAdapter(Measurements).validate_python(kept["measurements"])
            if kept["sha256"] != _digest(measurements) or measurements.plans != list(plans):
                raise ValueError("it has changed")
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("the choice of an engine in %s is damaged (%s): measuring again", self._path, type(error).__name__)
            with suppress(OSError):
                self._path.unlink()
            return None
        return measurements

    def write(self, measurements: Measurements) -> None:
        """Keeps measurements, atomically and readable by this user alone."""
        if not self._path:
            return
        try:
            self._make_folder()
            handle, part = tempfile.mkstemp(dir=self._path.parent, prefix="part-")
            try:
                with os.fdopen(handle, "w") as file:
                    json.dump({"measurements": asdict(measurements), "sha256": _digest(measurements)}, file)
                os.replace(part, self._path)
            except OSError:
                with suppress(OSError):
                    os.unlink(part)
                raise
        except OSError as error:
            log.warning("the choice of an engine cannot be kept in %s: %s", self._path.parent, error.strerror)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits until no other process measures the same, but not for ever."""
        lock = self._open_lock()
        try:
            if lock is not None and not _locked(lock):
                log.warning("another process has been measuring engines for %.0f seconds: measuring too", MAX_WAIT_SECONDS)
            yield
        finally:
            if lock is not None:
                os.close(lock)

    def _open_lock(self) -> int | None:
        if not self._path:
            return None
        try:
            self._make_folder()
            return os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.warning("%s cannot be used, so every process measures engines: %s", self._path.parent, error.strerror)
            return None

    def _make_folder(self) -> None:
        if self._path:
            self._path.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.parent.mkdir(exist_ok=True, mode=0o700)


def _locked(lock: int) -> bool:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        except OSError as error:  # a file system without locks
            log.warning("processes cannot wait for each other here, so each measures engines: %s", error.strerror)
            return True
        else:
            return True


def _digest(measurements: Measurements) -> str:
    return hashlib.sha256(json.dumps(asdict(measurements), sort_keys=True).encode()).hexdigest()
