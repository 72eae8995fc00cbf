"""Dagster's instance: its home, dagster.yaml, its storage, and whether the daemon runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.messages.counted import counted
from medsearch_pipeline.orchestration.code_server import ENVIRONMENT
from medsearch_pipeline.orchestration.daemon import daemon_health
from medsearch_pipeline.orchestration.data_versions import patch_dagster
from medsearch_pipeline.readiness.finding import Finding

HOME = "DAGSTER_HOME"


def check_dagster(environment: Mapping[str, str]) -> list[Finding]:
    """Whether Dagster's state can be used, and whether its daemon runs."""
    home = environment.get(HOME, "")
    missing = _home_finding(home)
    if missing:
        return [missing]
    found = [_file_finding(Path(home))]
    try:
        with dg.DagsterInstance.get() as instance:
            message = f"reachable, {counted(instance.get_runs_count(), 'run')}"
            daemon = check_daemon(instance, home)
            found += [Finding(check="dagster storage", level="ok", message=message, setting=HOME, value=home), daemon]
            if daemon.level != "ok":  # a running daemon has its own environment
                found += _environment_findings(environment)
    except Exception as error:  # noqa: BLE001 - whatever Dagster, its storage or a driver raises
        text = str(error).strip().splitlines()
        found.append(
            Finding(
                check="dagster storage",
                level="problem",
                message=f"cannot be used: {type(error).__name__}{f': {text[0]}' if text and _is_dagsters(error) else ''}",
                setting=HOME,
                value=home,
                advice="correct dagster.yaml, or let this machine reach the storage that it names",
            )
        )
    return found


def check_dagster_version() -> Finding:
    """Whether the installed Dagster supports data versions by study."""
    try:
        patch_dagster()
    except ConfigurationError as error:
        return Finding(
            check="dagster", level="problem", message=str(error), advice="pip install -c constraints.txt -e '.[pipeline]'"
        )
    return Finding(check="dagster", level="ok", message=f"version {dg.__version__}")


def _home_finding(home: str) -> Finding | None:
    if not home:
        return Finding(
            check="dagster home",
            level="warning",
            message=f"{HOME} is not set, so Dagster would keep its state in a temporary folder; medsearch up sets it",
            setting=HOME,
            advice="start medsearch up, or set it to the absolute path of a writable folder with a copy of dagster.yaml",
        )
    if not os.path.isabs(home):
        fault = "is not an absolute path, which Dagster requires"
    elif not os.path.isdir(home):
        fault = "is not a folder"
    elif not os.access(home, os.W_OK | os.X_OK):
        fault = "is not writable"
    else:
        return None
    return Finding(
        check="dagster home",
        level="problem",
        message=f"{HOME} {fault}",
        setting=HOME,
        value=home,
        advice="set it to the absolute path of a writable folder with a copy of dagster.yaml, or use medsearch up",
    )


def _file_finding(home: Path) -> Finding:
    file = home / "dagster.yaml"
    if not file.is_file():
        return Finding(
            check="dagster.yaml",
            level="warning",
            message="is missing, so runs that die are not retried, and events are written slowly",
            setting=HOME,
            value=str(home),
            advice='cp dagster.yaml "$DAGSTER_HOME"',
        )
    return Finding(check="dagster.yaml", level="ok", message="exists", setting=HOME, value=str(home))


def _environment_findings(environment: Mapping[str, str]) -> list[Finding]:
    """Variables that daemon, webserver and code server need, and that this environment lacks."""
    unset = [name for name in ENVIRONMENT if not environment.get(name)]
    if not unset:
        return []
    return [
        Finding(
            check="dagster environment",
            level="warning",
            message=f"{', '.join(unset)} not set, which daemon, webserver and code server need",
            setting=unset[0],
            advice=f"export {' '.join(f'{name}={ENVIRONMENT[name]}' for name in unset)}, or use medsearch up, which sets it",
        )
    ]


def check_daemon(instance: dg.DagsterInstance, home: str) -> Finding:
    """Whether the daemon of an instance runs."""
    health = daemon_health(instance, home)
    if not health.silent:
        return Finding(check="dagster daemon", level="ok", message="runs", setting=HOME, value=home)
    return Finding(
        check="dagster daemon",
        level="warning",
        message="does not run, so no sensor is evaluated and no run starts"
        if health.is_stopped
        else f"parts of it do not run: {', '.join(health.silent)}",
        setting=HOME,
        value=home,
        advice="start medsearch up, or dagster-daemon run -w workspace.yaml",
    )


def _is_dagsters(error: Exception) -> bool:
    """Whether an error's text is Dagster's own, which quotes configuration but no data."""
    return type(error).__module__.startswith("dagster.")
