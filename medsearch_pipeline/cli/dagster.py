"""Dagster's state for commands, which say less and do not fail where nobody told them where it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance | None]:
    """The instance of `DAGSTER_HOME`; None where that names no folder."""
    home = os.environ.get("DAGSTER_HOME", "")
    if not (os.path.isabs(home) and os.path.isdir(home)):
        yield None
        return
    with dg.DagsterInstance.get() as instance:
        yield instance
