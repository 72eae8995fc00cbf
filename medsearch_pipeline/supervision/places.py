"""Landing folder and folders for output, which must not contain each other: output in the landing folder would be ingested."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from medsearch_core.errors import ConfigurationError
from medsearch_core.settings import Deployment
from medsearch_core.storage.open import local_folder


def require_places_apart(settings: Deployment, folders: Iterable[Path]) -> None:
    """Returns if no output goes into the landing folder, and the landing folder is in none of the system's own folders.

    A landing folder may be in the home folder, beside the system's own.

    Args:
        folders: The home folder, then the folders in it, or elsewhere, that are written besides warehouse and index.

    Raises:
        ConfigurationError: a folder is inside another. Nothing was written yet.
    """
    landing = local_folder(settings.landing)
    if landing is None:
        return
    home, *inner = folders
    own = [*inner, *filter(None, map(local_folder, (settings.warehouse, settings.index)))]
    for folder in (home, *own):
        if folder.resolve().is_relative_to(landing.resolve()):
            raise ConfigurationError(
                f"{folder} is inside the landing folder {landing}, where output would be ingested: give a --home outside of it"
            )
    for folder in own:
        if landing.resolve().is_relative_to(folder.resolve()):
            raise ConfigurationError(
                f"the landing folder {landing} is inside {folder}, where the system keeps its own files: "
                "give a --landing outside of it"
            )
