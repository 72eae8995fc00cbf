"""Dagster's state for commands, which print less but do not fail without DAGSTER_HOME."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance | None]:
    """The instance of `DAGSTER_HOME`; None if that is not a folder."""
    home = os.environ.get("DAGSTER_HOME", "")
    if not (os.path.isabs(home) and os.path.isdir(home)):
        yield None
        return
    with dg.DagsterInstance.get() as instance:
        yield instance
