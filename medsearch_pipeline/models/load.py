"""`python -m medsearch_pipeline.models.load MODEL WEIGHTS FILE`: tries to load a model, and writes the result to FILE.

Published weights are downloaded once, however many processes ask. A network that never responds ends it.
"""

from __future__ import annotations

import fcntl
import signal
import socket
import sys
from pathlib import Path

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.availability import BUSY, Availability, keep
from medsearch_pipeline.models.registry import network_named

SILENT_SECONDS = 30
"""Seconds after which a silent server counts as unreachable."""
LONGEST_SECONDS = 1800
"""Seconds after which the system ends this process: a download that takes longer must be made manually."""


def main(model: str, weights: str, file: Path) -> int:
    """Loads a model and stores the result; returns the exit status."""
    signal.alarm(LONGEST_SECONDS)
    socket.setdefaulttimeout(SILENT_SECONDS)
    with file.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return BUSY
        keep(file, attempt(model, weights))
    return 0


def attempt(model: str, weights: str) -> Availability:
    """Whether a model can be loaded."""
    try:
        network = network_named(model, weights)
    except ConfigurationError as error:
        return Availability(False, str(error))
    except Exception as error:  # noqa: BLE001 - whatever a library raises, the answer is that it cannot be loaded
        return Availability(False, f"{model} cannot be loaded: {type(error).__name__}")
    return Availability(True, f"{network.model_id}, version {network.model_version}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
