"""Dagster's state for commands, which say less and do not fail where nobody told them where it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

DEFAULT_HOME = Path(".medsearch/dagster")
"""Where `medsearch up` keeps it unless it is told otherwise: beside the default warehouse and index."""


def use_default_home() -> None:
    """Sets DAGSTER_HOME to the default one, if it is there and the variable is not set."""
    if "DAGSTER_HOME" not in os.environ and DEFAULT_HOME.is_dir():
        os.environ["DAGSTER_HOME"] = str(DEFAULT_HOME.absolute())


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance | None]:
    """The instance of `DAGSTER_HOME`; None where that names no folder."""
    home = os.environ.get("DAGSTER_HOME", "")
    if not (os.path.isabs(home) and os.path.isdir(home)):
        yield None
        return
    with dg.DagsterInstance.get() as instance:
        yield instance
