"""Dagster's daemon, which reloads the workspace and looks at backfills every few seconds, not once or twice a minute."""

from dagster._daemon import cli, controller

if __name__ == "__main__":
    controller.RELOAD_WORKSPACE_INTERVAL = 15
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2
    cli.main()
