"""Dagster's daemon, which looks at backfills every few seconds, and reloads the workspace every 15 s or when it is told to."""

from __future__ import annotations

import os
from pathlib import Path

from dagster._daemon import cli, controller

RELOAD = "TESTS_RELOAD_FILE"
"""Names a file: the daemon reloads the workspace only when it is there, and removes it."""


class ToldDaemon(controller.DagsterDaemonController):
    """Reloads the workspace only when it is told to."""

    def check_workspace_freshness(self, last_workspace_update_time: float) -> float:
        file = Path(os.environ[RELOAD])
        if not file.exists():
            return last_workspace_update_time
        reloaded = super().check_workspace_freshness(last_workspace_update_time)
        file.unlink()
        return reloaded


if __name__ == "__main__":
    is_told = RELOAD in os.environ
    controller.RELOAD_WORKSPACE_INTERVAL = 0 if is_told else 15
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2
    if is_told:
        setattr(controller, "DagsterDaemonController", ToldDaemon)  # noqa: B010 - mypy takes no assignment to a class
    cli.main()
