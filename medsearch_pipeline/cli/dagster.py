"""Dagster's state for commands, which print less but do not fail without DAGSTER_HOME."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg  # takes a second, and many commands do without

DEFAULT_HOME = Path(".medsearch/dagster")
"""Default of `medsearch up`: beside the default warehouse and index."""


def use_default_home() -> None:
    """Sets DAGSTER_HOME to the default folder if that exists and the variable is not set."""
    if "DAGSTER_HOME" not in os.environ and DEFAULT_HOME.is_dir():
        os.environ["DAGSTER_HOME"] = str(DEFAULT_HOME.absolute())


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance | None]:
    """The instance of `DAGSTER_HOME`; None if that is not a folder."""
    home = os.environ.get("DAGSTER_HOME", "")
    if not (os.path.isabs(home) and os.path.isdir(home)):
        yield None
        return
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        yield instance
